"""What comes in becomes part of a registry: one that is behind catches up exactly, any other gets what it lacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from promptdb.transfer.checks import IMPORTED
from promptdb.transfer.conflicts import require_agreement, require_sound
from promptdb.transfer.source import Source
from promptdb.transfer.staging import INCOMING, equal, require_bundles, same
from promptdb.transfer.tables import TABLES, table

_HISTORY = {
    "prompts": ("created_at",),
    "sync_runs": table("sync_runs").columns.keys(),
    "prompt_versions": tuple(name for name in table("prompt_versions").columns.keys() if name != "spec_json"),  # noqa: SIM118
    "prompt_assets": ("version_id", "kind", "object_key", "content_type", "byte_size", "metadata_json", "created_at"),
    "version_sources": table("version_sources").columns.keys(),
    "alias_events": table("alias_events").columns.keys(),
}
"""What is only ever added to, and the columns that do not change. A spec has the digest that is in its version's id."""

_STATE = tuple(name for name in TABLES if name not in _HISTORY)
_SOURCE = tuple(name for name in table("version_sources").columns.keys() if name not in ("id", "run_id"))  # noqa: SIM118


@dataclass(frozen=True)
class Merged:
    """Rows that were written, and among them those of prompts and versions, and aliases that were set or moved.

    `kept_aliases` are those that point elsewhere than in the source, as `namespace/name:alias`, since they were moved here.
    """

    prompts: int = 0
    versions: int = 0
    aliases: int = 0
    rows: int = 0
    kept_aliases: tuple[str, ...] = ()


def merge(connection: sa.Connection, source: Source, actor: str) -> Merged:
    """Write what is staged, on the connection that holds the lock.

    Raises:
        Conflict: the histories differ.
        IntegrityFailure: a version has not the bundle it should have.
    """
    require_bundles(connection, source, _is_new("prompt_versions"))
    if source.is_whole and _is_behind(connection):
        merged = _catch_up(connection)
    else:
        require_agreement(connection, source)
        merged = _add(connection, actor)
    require_sound(connection, source)
    return merged


def _is_new(name: str) -> sa.ColumnElement[bool]:
    incoming, real = INCOMING[name], table(name)
    return ~sa.exists().where(equal(real, incoming, real.primary_key.columns.keys()))


def _is_behind(connection: sa.Connection) -> bool:
    """Whether all that ever happened in the registry happened in the source too."""
    for name, columns in _HISTORY.items():
        incoming, real = INCOMING[name], table(name)
        keys = real.primary_key.columns.keys()
        known = sa.exists().where(equal(incoming, real, keys), same(incoming, real, columns))
        if connection.execute(sa.select(sa.exists().select_from(real).where(~known))).scalar():
            return False
    return True


def _catch_up(connection: sa.Connection) -> Merged:
    """Afterwards the rows are those of the source."""
    written = 0
    for name in reversed(_STATE):
        incoming, real = INCOMING[name], table(name)
        names = real.columns.keys()
        keys = real.primary_key.columns.keys()
        there = sa.exists().where(equal(incoming, real, keys), same(incoming, real, names))
        connection.execute(sa.delete(real).where(~there))
    written += _change_prompts(connection)
    counts = {name: _insert(connection, name) for name in TABLES}
    _continue_numbers(connection)
    written += sum(counts.values())
    return Merged(counts["prompts"], counts["prompt_versions"], counts["prompt_aliases"], written)


def _change_prompts(connection: sa.Connection) -> int:
    """Names and archival. All names that change are given up before any is taken."""
    incoming, real = INCOMING["prompts"], table("prompts")
    query = sa.select(incoming).join(real, real.c.id == incoming.c.id)
    changed = connection.execute(query.where(~same(incoming, real, ("namespace", "name", "archived_at")))).all()
    update = sa.update(real).where(real.c.id == sa.bindparam("key"))
    for row in changed:
        connection.execute(update, {"key": row.id, "name": str(row.id)})
    for row in changed:
        values = {"namespace": row.namespace, "name": row.name, "archived_at": row.archived_at}
        connection.execute(update, {"key": row.id, **values})
    return len(changed)


def _insert(connection: sa.Connection, name: str) -> int:
    incoming, real = INCOMING[name], table(name)
    query = sa.select(incoming).where(_is_new(name)).order_by(*incoming.primary_key.columns)
    return _insert_selected(connection, real, real.columns.keys(), query)


def _add(connection: sa.Connection, actor: str) -> Merged:
    """What is missing. What is there stays as it is, names, archival and aliases too."""
    kept = _kept_aliases(connection)
    redirects, new = table("prompt_redirects"), INCOMING["prompts"]
    taken = sa.exists().where(equal(new, redirects, ("namespace", "name")), _is_new("prompts"))
    connection.execute(sa.delete(redirects).where(taken))
    prompts, versions = _insert(connection, "prompts"), _insert(connection, "prompt_versions")
    written = prompts + versions
    written += _insert_unnumbered(connection, "prompt_assets", _lacks("prompt_assets", ("version_id",)))
    lost_source = _lacks("version_sources", _SOURCE)
    lost_event = _lacks("alias_events", ("prompt_id", "alias"))
    lost_alias = _lacks("prompt_aliases", ("prompt_id", "alias")) & ~sa.exists().where(
        equal(table("alias_events"), INCOMING["prompt_aliases"], ("prompt_id", "alias"))
    )
    aliases = _insert_unnumbered(connection, "prompt_aliases", lost_alias)
    if _any(connection, "version_sources", lost_source) or _any(connection, "alias_events", lost_event):
        run = _note_run(connection, actor, prompts, versions)
        written += 1 + _insert_unnumbered(connection, "version_sources", lost_source, run)
        written += _insert_unnumbered(connection, "alias_events", lost_event, run)
    written += _insert_redirects(connection)
    return Merged(prompts, versions, aliases, written + aliases, kept)


def _lacks(name: str, columns: tuple[str, ...]) -> sa.ColumnElement[bool]:
    return ~sa.exists().where(same(table(name), INCOMING[name], columns))


def _any(connection: sa.Connection, name: str, chosen: sa.ColumnElement[bool]) -> bool:
    return bool(connection.execute(sa.select(sa.exists().select_from(INCOMING[name]).where(chosen))).scalar())


def _insert_unnumbered(
    connection: sa.Connection, name: str, chosen: sa.ColumnElement[bool], run: int | None = None
) -> int:
    """With numbers of this registry; what a run did is said to be of `run`."""
    incoming, real = INCOMING[name], table(name)
    names = [column for column in real.columns.keys() if column != "id"]  # noqa: SIM118
    of_run = {"run_id": sa.case((incoming.c.run_id.is_not(None), run))} if "run_id" in names else {}
    query = sa.select(*(of_run.get(column, incoming.c[column]) for column in names))
    return _insert_selected(connection, real, names, query.where(chosen).order_by(incoming.c.id))


def _insert_redirects(connection: sa.Connection) -> int:
    """Earlier names that mean nothing here."""
    incoming, real, prompts = INCOMING["prompt_redirects"], table("prompt_redirects"), table("prompts")
    name = ("namespace", "name")
    free = ~sa.exists().where(equal(real, incoming, name)) & ~sa.exists().where(equal(prompts, incoming, name))
    query = sa.select(incoming).where(free)
    return _insert_selected(connection, real, real.columns.keys(), query)


def _insert_selected(connection: sa.Connection, real: sa.Table, names: Sequence[str], query: sa.Select[Any]) -> int:
    """How many rows it were."""
    statement = sa.insert(real).from_select(names, query)
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def _note_run(connection: sa.Connection, actor: str, prompts: int, versions: int) -> int:
    now, runs = datetime.now(UTC), table("sync_runs")
    counts = f'{{"prompts": {prompts}, "versions": {versions}}}'
    row = {"root": "", "git_ref": None, "commit_id": None, "is_dirty": False, "outcome": IMPORTED}
    times = {"started_at": now, "finished_at": now}
    found = connection.execute(sa.insert(runs).values(**row, **times, counts_json=counts, created_by=actor))
    key: int = found.inserted_primary_key[0]  # type: ignore[index]
    return key


def _kept_aliases(connection: sa.Connection) -> tuple[str, ...]:
    """Those that point at another version here, or were deleted here."""
    incoming, real, events = INCOMING["prompt_aliases"], table("prompt_aliases"), table("alias_events")
    prompts = INCOMING["prompts"]
    own = equal(real, incoming, ("prompt_id", "alias"))
    moved = sa.exists().where(own, real.c.version_id != incoming.c.version_id)
    deleted = sa.exists().where(equal(events, incoming, ("prompt_id", "alias"))) & ~sa.exists().where(own)
    query = (
        sa.select(prompts.c.namespace, prompts.c.name, incoming.c.alias)
        .select_from(incoming)
        .join(prompts, prompts.c.id == incoming.c.prompt_id)
    )
    return tuple(sorted(f"{row[0]}/{row[1]}:{row[2]}" for row in connection.execute(query.where(moved | deleted))))


def _continue_numbers(connection: sa.Connection) -> None:
    """PostgreSQL's own numbers go on after those that were given. SQLite looks by itself."""
    if connection.dialect.name != "postgresql":
        return
    for name in TABLES:
        key = table(name).columns.get("id")
        if key is not None and isinstance(key.type, sa.Integer):
            newest = sa.select(sa.func.max(key)).scalar_subquery()
            sequence = sa.func.pg_get_serial_sequence(name, "id")
            connection.execute(sa.select(sa.func.setval(sequence, newest)).where(newest.is_not(None)))
