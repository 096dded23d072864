"""Whether a database holds together by itself: the file of SQLite, what rows refer to, and what no command writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from promptdb.db.columns import absences, prompts, redirects, runs, source_heads, sources, versions
from promptdb.db.engine import reading
from promptdb.errors import StorageError

_MAX_TOLD = 100
"""Lines of SQLite about a file that is damaged."""

_DAMAGED = ("malformed", "not a database", "disk image")


@contextmanager
def any_text(connection: sa.Connection) -> Iterator[None]:
    """Text that is no UTF-8, as after a bit flip in a file of SQLite, is read with marks in it, and is no error."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.text_factory = lambda data: data.decode(errors="replace")
    try:
        yield
    finally:
        driver.text_factory = str


def file_damage(engine: sa.Engine, *, thorough: bool) -> list[str]:
    """What SQLite finds wrong with its file. Of PostgreSQL nothing is asked: it checks its own pages.

    Raises:
        StorageError: the file cannot be read at all.
    """
    if engine.dialect.name != "sqlite":
        return []
    check = "integrity_check" if thorough else "quick_check"
    try:
        with reading(engine) as connection:
            lines = list(connection.exec_driver_sql(f"PRAGMA {check}({_MAX_TOLD})").scalars())
    except StorageError as error:
        if not any(word in error.message for word in _DAMAGED):
            raise
        return [error.message]
    return [] if lines == ["ok"] else [str(line) for line in lines]


def dangling(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    """Tables, with what a row of them refers to and is not there."""
    from promptdb.db.tables import Table  # slow to import

    for table in Table.metadata.sorted_tables:
        for constraint in sorted(table.foreign_key_constraints, key=lambda found: str(found.name)):
            parent = constraint.referred_table.alias("parent")
            pairs = [(key.parent, parent.c[key.column.name]) for key in constraint.elements]
            there = sa.exists().where(*(column == target for column, target in pairs))
            query = sa.select(sa.func.count()).where(
                *(column.is_not(None) for column, _ in pairs), ~there.correlate(table)
            )
            if count := connection.execute(query.select_from(table)).scalar_one():
                what = ", ".join(column.name for column, _ in pairs)
                rows = "1 row names" if count == 1 else f"{count} rows name"
                yield table.name, f"{rows} by {what} what is not in {constraint.referred_table.name}"


def senseless(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    """Tables, with what no command writes."""
    second = absences.alias("second")
    both_open = sa.and_(
        second.c.prompt_id == absences.c.prompt_id,
        second.c.id > absences.c.id,
        second.c.until_run_id.is_(None),
        absences.c.until_run_id.is_(None),
    )
    other_commit = sa.or_(
        runs.c.commit_id.is_distinct_from(source_heads.c.commit_id),
        runs.c.root != source_heads.c.root,
        runs.c.is_dirty,
    )
    same_name = sa.and_(prompts.c.namespace == redirects.c.namespace, prompts.c.name == redirects.c.name)
    other = versions.alias("other")
    same_label = sa.and_(
        other.c.prompt_id == versions.c.prompt_id,
        other.c.user_version == versions.c.user_version,
        other.c.spec_hash != versions.c.spec_hash,
    )
    cases = (
        (absences, absences.c.until_run_id <= absences.c.from_run_id, "end before they begin"),
        (absences, sa.exists().where(both_open), "are open twice"),
        (
            source_heads,
            sa.exists().where(runs.c.id == source_heads.c.run_id, other_commit),
            "differ from their run",
        ),
        (redirects, sa.exists().where(same_name), "have the name of a prompt"),
        (sources, sources.c.is_dirty & sources.c.blob_id.is_not(None), "are dirty, and name a blob of git"),
        (versions, sa.exists().where(same_label), "have a user_version that names other content, too"),
    )
    for table, condition, what in cases:
        if count := connection.execute(sa.select(sa.func.count()).select_from(table).where(condition)).scalar_one():
            yield table.name, f"{count} {'row' if count == 1 else 'rows'}: {what}"
