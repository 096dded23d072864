"""Updates a registry that is behind a source: afterwards both have equal rows."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from promptdb.db.inserts import Row
from promptdb.errors import DivergedHistory
from promptdb.registry.row_findings import require_sound
from promptdb.registry.stores import Registry
from promptdb.transfer.insert_rows import Written, insert
from promptdb.transfer.rows_as_json import TABLES, key_of, table
from promptdb.transfer.source import RegistrySource, Source
from promptdb.transfer.standing import Overlap, Pair, Standing, paired, standing
from promptdb.transfer.strict_json import AGAIN

_MUTABLE = {"namespace", "name", "archived_at"}
_STORE = {"storage_backend", "bucket"}
_HISTORY = ("prompt_versions", "alias_events", "prompts", "sync_runs", "version_sources", "prompt_assets")
"""Tables whose rows are never changed, except for `_MUTABLE` columns of prompts. Messages name differences in this order."""

_STATE = tuple(name for name in TABLES if name not in _HISTORY)
_FEW = 5
"""The number of differences that a message names."""

_HINTS = {
    Standing.AHEAD: "no row was written; to go back to what it holds, import it into an empty registry",
    Standing.APART: "no row was written; import into an empty registry, or add single versions: promptdb export REF FILE.zip",
}


def catch_up(connection: sa.Connection, source: Source, registry: Registry) -> Written:
    """Write what a whole registry has and this one lacks, on the connection that holds the lock.

    Raises:
        DivergedHistory: this registry is not behind the source.
        IntegrityFailure: rows of the source contradict one another.
    """
    own = RegistrySource(connection, registry.blobs)
    equal = _require_behind(connection, registry, own, source)
    rows = _change_prompts(connection, own, source)
    for name in _STATE:
        _delete_changed(connection, own, source, name)
    counts = dict.fromkeys(TABLES, 0)
    for name in TABLES:
        if name in equal:
            continue
        # The cursor over this registry's rows has passed the place of each inserted row, so it never reads one.
        missing = (there for here, there in _pairs(own, source, name) if here is None and there is not None)
        counts[name] = insert(connection, source, name, missing, registry.blobs)
    rows += sum(counts.values())
    if rows:
        _continue_numbers(connection)
        require_sound(connection, source.name, AGAIN)
    return Written(counts["prompts"], counts["prompt_versions"], counts["prompt_aliases"], rows)


def _pairs(own: RegistrySource, source: Source, name: str) -> Iterator[Pair]:
    return paired(own.rows(name), source.rows(name), lambda row: key_of(name, row))


def _differ(here: Row, there: Row, ignored: set[str]) -> bool:
    return any(here[column] != there[column] for column in here if column not in ignored)


def _require_behind(connection: sa.Connection, registry: Registry, own: RegistrySource, source: Source) -> set[str]:
    """Return the tables that lack no row of the source."""
    counts = own.counts()
    if not any(counts[name] for name in _HISTORY):
        return set()  # an empty registry is behind every source
    overlaps, differing = dict[str, Overlap](), list[tuple[str, Row]]()
    for name in _HISTORY:
        there = common = 0
        for row, other in _pairs(own, source, name):
            there += other is not None
            if row is None:
                continue
            if other is not None and not _differ(row, other, _MUTABLE if name == "prompts" else _STORE):
                common += 1
            elif len(differing) < _FEW:
                differing.append((name, row))
        overlaps[name] = Overlap(counts[name], there, common)
    found = standing(overlaps.values())
    if found is Standing.BEHIND:
        return {name for name, each in overlaps.items() if each.common == each.there}
    more = sum(each.here - each.common for each in overlaps.values()) - len(differing)
    listed = [*_described(connection, source, differing), *([f"{more} more differences"] if more else [])]
    place = "ahead of" if found is Standing.AHEAD else "not behind"
    raise DivergedHistory(
        f"the registry {registry.address} is {place} {source.name}; what differs: {', '.join(listed)}", _HINTS[found]
    )


def _described(connection: sa.Connection, source: Source, rows: list[tuple[str, Row]]) -> Iterator[str]:
    """Describe rows of this registry that the source lacks, or has with other content."""
    prompts = table("prompts")
    revisions = {_revision(row) for name, row in rows if name == "prompt_versions"}
    versions = source.rows("prompt_versions") if revisions else ()
    digests = {key: row["spec_hash"] for row in versions if (key := _revision(row)) in revisions}
    versions_here = table("prompt_versions")
    for name, row in rows:
        # Rows of blobs and of commits name the version only.
        owned = (
            sa.select(versions_here.c.prompt_id).where(versions_here.c.id == row.get("version_id")).scalar_subquery()
        )
        owner = row["id"] if name == "prompts" else row.get("prompt_id", owned)
        query = sa.select(prompts.c.namespace + "/" + prompts.c.name).where(prompts.c.id == owner)
        prompt = connection.execute(query).scalar()
        if name == "prompts":
            yield f"prompt {prompt}"
        elif name == "prompt_versions":
            other = digests.get(_revision(row))
            digest = f"{row['spec_hash'][:19]} here" + (f" and {other[:19]} there" if other else "")
            yield f"revision {row['revision']} of {prompt} ({digest})"
        elif name == "alias_events":
            yield f"{row['action']} of {prompt}:{row['alias']}"
        elif name == "sync_runs":
            commit = f" at commit {row['commit_id'][:12]}" if row["commit_id"] else ""
            yield f"the sync of {row['started_at']:%Y-%m-%d %H:%M}{commit} by {row['created_by']}"
        elif name == "version_sources":
            yield f"where a version of {prompt} came from: {row['path']}"
        else:
            yield f"a file of {prompt}"


def _revision(row: Row) -> tuple[Any, Any]:
    return row["prompt_id"], row["revision"]


def _change_prompts(connection: sa.Connection, own: RegistrySource, source: Source) -> int:
    """Update the names of prompts and whether they are archived, and count the updates."""
    prompts = table("prompts")
    pairs = _pairs(own, source, "prompts")
    changed = [there for here, there in pairs if here is not None and there is not None and _differ(here, there, set())]
    update = sa.update(prompts).where(prompts.c.id == sa.bindparam("key"))
    # Names are unique. A prompt may take the name of another one, so all of them give up their names first.
    for row in changed:
        connection.execute(update, {"key": row["id"], "name": str(row["id"])})
    for row in changed:
        connection.execute(update, {"key": row["id"], **{name: row[name] for name in _MUTABLE}})
    return len(changed)


def _delete_changed(connection: sa.Connection, own: RegistrySource, source: Source, name: str) -> None:
    pairs = _pairs(own, source, name)
    changed = [here for here, there in pairs if here is not None and (there is None or _differ(here, there, set()))]
    for row in changed:
        keys = table(name).primary_key.columns
        connection.execute(sa.delete(table(name)).where(*(column == row[column.name] for column in keys)))


def _continue_numbers(connection: sa.Connection) -> None:
    # PostgreSQL would start to number new rows at the ids that were inserted. SQLite continues after the highest id.
    if connection.dialect.name != "postgresql":
        return
    for name in TABLES:
        key = table(name).columns.get("id")
        if key is not None and isinstance(key.type, sa.Integer):
            newest = sa.select(sa.func.max(key)).scalar_subquery()
            sequence = sa.func.pg_get_serial_sequence(name, "id")
            connection.execute(sa.select(sa.func.setval(sequence, newest)).where(newest.is_not(None)))
