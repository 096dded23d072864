"""The rows that come in, in temporary tables: the database judges and merges them, however many there are."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from promptdb.blobs.store import BlobStore
from promptdb.db.bulk import Row, insert_rows
from promptdb.errors import IntegrityFailure
from promptdb.transfer.bundles import first_without_bundle
from promptdb.transfer.source import Source
from promptdb.transfer.tables import TABLES, table

_ROWS = 1000
AGAIN = "make it again with promptdb export, or bring the file from where it is whole"

INCOMING = {
    name: sa.Table(
        f"incoming_{name}",
        sa.MetaData(),
        *(sa.Column(c.name, c.type, primary_key=c.primary_key, autoincrement=False) for c in table(name).columns),
        *(
            sa.UniqueConstraint(*constraint.columns.keys())
            for constraint in table(name).constraints
            if isinstance(constraint, sa.UniqueConstraint)
        ),
        prefixes=["TEMPORARY"],
    )
    for name in TABLES
}


@contextmanager
def staged(connection: sa.Connection, source: Source, blobs: BlobStore) -> Iterator[None]:
    """All rows of a source in `INCOMING`, with blobs in the store of the target, and sound among themselves.

    Raises:
        IntegrityFailure: they are not sound.
    """
    for target in INCOMING.values():
        target.create(connection, checkfirst=False)
    for name in TABLES:
        place = {"storage_backend": blobs.backend, "bucket": blobs.bucket} if name == "prompt_assets" else {}
        for rows in _batches(source.rows(name)):
            _insert(connection, source, name, [{**row, **place} for row in rows] if place else rows)
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text(f"ANALYZE incoming_{name}"))  # else it plans for empty tables
    for name in TABLES:
        _require_parents(connection, source, name)
    _require_events(connection, source)
    yield
    for target in reversed(INCOMING.values()):
        target.drop(connection, checkfirst=False)


def require_bundles(connection: sa.Connection, source: Source, chosen: sa.ColumnElement[bool]) -> None:
    """Whether the chosen versions among those that come in have the asset rows that belong to them."""
    found = first_without_bundle(connection, INCOMING["prompt_versions"], INCOMING["prompt_assets"], chosen)
    if found is not None:
        key, error = found
        raise IntegrityFailure(f"{source.name}: version {key}: {error}", AGAIN) from error


def same(one: sa.FromClause, other: sa.FromClause, names: Iterable[str]) -> sa.ColumnElement[bool]:
    """Whether two rows are equal in some columns, null being equal to null."""
    return sa.and_(*(one.c[name].is_not_distinct_from(other.c[name]) for name in names))


def equal(one: sa.FromClause, other: sa.FromClause, names: Iterable[str]) -> sa.ColumnElement[bool]:
    """The same for columns without null, for which there may be an index."""
    return sa.and_(*(one.c[name] == other.c[name] for name in names))


def _insert(connection: sa.Connection, source: Source, name: str, rows: list[Row]) -> None:
    try:
        insert_rows(connection, INCOMING[name], rows)
    except IntegrityError as error:
        raise IntegrityFailure(f"{source.name}: two rows of {name} exclude one another", AGAIN) from error


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, _ROWS)):
        yield batch


def _require_parents(connection: sa.Connection, source: Source, name: str) -> None:
    child = INCOMING[name]
    for reference in table(name).foreign_key_constraints:
        parent = INCOMING[reference.referred_table.name]
        columns = {element.parent.name: element.column.name for element in reference.elements}
        found = sa.exists().where(*(child.c[own] == parent.c[other] for own, other in columns.items()))
        given = [child.c[own].is_not(None) for own in columns]
        _refuse_any(
            connection, source, child, sa.and_(*given, ~found), f"of {name} names a missing row of {parent.name[9:]}"
        )


def _require_events(connection: sa.Connection, source: Source) -> None:
    """The newest event of each alias is what made it point where it does."""
    aliases, events = INCOMING["prompt_aliases"], INCOMING["alias_events"]
    of_alias = equal(events, aliases, ("prompt_id", "alias"))
    made = sa.exists().where(
        of_alias, events.c.generation == aliases.c.generation, events.c.to_version_id == aliases.c.version_id
    )
    moved = sa.exists().where(of_alias, events.c.generation > aliases.c.generation)
    _refuse_any(connection, source, aliases, ~made | moved, "of prompt_aliases is not what its events say")


def _refuse_any(
    connection: sa.Connection, source: Source, target: sa.Table, wrong: sa.ColumnElement[bool], what: str
) -> None:
    keys: list[Any] = list(target.primary_key.columns)
    row = connection.execute(sa.select(*keys).where(wrong).order_by(*keys).limit(1)).first()
    if row is not None:
        raise IntegrityFailure(f"{source.name}: row {', '.join(map(str, row))} {what}", AGAIN)
