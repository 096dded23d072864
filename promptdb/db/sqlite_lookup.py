"""Finds the version of a reference in SQLite with the driver alone, which takes a third of the time of a transaction."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from promptdb.db.columns import aliases, prompts, versions
from promptdb.db.engine import connected, restated
from promptdb.db.lookup import edited, first_commit, found_in, select_for
from promptdb.db.repository import ReadAssets, select_versions
from promptdb.domain.refs import ByLabel, ByRevision, Latest, PromptRef
from promptdb.domain.views import StoredVersion
from promptdb.errors import IntegrityFailure


@dataclass(frozen=True, slots=True)
class _Statement:
    """SQL text, the names of its parameters in order, the values of some, and what converts each column."""

    text: str
    order: tuple[str, ...]
    fixed: Mapping[str, Any]
    readers: tuple[Callable[[Any], Any] | None, ...]


def find_in_sqlite(engine: sa.Engine, ref: PromptRef, assets: ReadAssets | None = None) -> StoredVersion | None:
    """Find a version by an alias, a revision or `latest`.

    One SELECT sees one state of the database without a transaction. Return None for other selectors and databases, and
    where nothing is found: `find_version` reads labels and earlier names, and finds out why.

    Raises:
        IntegrityFailure: the row was edited.
        StorageError, LockTimeout: the database failed.
    """
    selector = ref.selector
    if engine.dialect.name != "sqlite" or not isinstance(selector, ByLabel | ByRevision | Latest):
        return None
    statement = _statement(type(selector), engine.dialect)  # type: ignore[arg-type]  # types are hashable
    given: dict[str, Any] = {**statement.fixed, "namespace": ref.prompt.namespace, "name": ref.prompt.name}
    match selector:
        case ByLabel(value) | ByRevision(value):
            given["value"] = value
    with restated(engine), closing(connected(engine, engine.raw_connection)) as connection:
        cursor = connection.cursor()
        cursor.execute(statement.text, [given[name] for name in statement.order])
        # All rows, so that the statement ends: an open one would keep a writer from its checkpoint.
        rows = cursor.fetchall()
    try:
        for row in rows:
            columns = [
                read(value) if read is not None else value for read, value in zip(statement.readers, row, strict=True)
            ]
            return found_in(tuple(columns), ref.prompt, assets)
    except IntegrityFailure as error:
        raise edited(ref.prompt) from error
    return None


def _by_alias() -> sa.Select[Any]:
    """Select by an alias alone, which is what a label nearly always is, in the columns of `select_for`."""
    return (
        select_versions()
        .add_columns(versions.c.spec_json, versions.c.prompt_id, first_commit().label("commit_id"))
        .add_columns(aliases.c.alias, aliases.c.split_json)
        .join(aliases, sa.and_(aliases.c.prompt_id == prompts.c.id, aliases.c.version_id == versions.c.id))
        .where(
            prompts.c.namespace == sa.bindparam("namespace"),
            prompts.c.name == sa.bindparam("name"),
            aliases.c.alias == sa.bindparam("value"),
        )
    )


@lru_cache(maxsize=8)
def _statement(kind: type[Any], dialect: sa.Dialect) -> _Statement:
    query = _by_alias() if kind is ByLabel else select_for(kind)  # type: ignore[arg-type]  # as above
    compiled = query.compile(dialect=dialect)
    readers = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in query.selected_columns)
    return _Statement(str(compiled), tuple(compiled.positiontup or ()), compiled.params, tuple(readers))
