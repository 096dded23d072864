"""Adds the version in a file to a registry, as the next revision of its prompt."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from promptdb.db.inserts import Row
from promptdb.db.writer import RegistryWriter
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.webhooks.events import version_created
from promptdb.errors import Conflict
from promptdb.registry.stores import Registry
from promptdb.transfer.insert_rows import Written, insert
from promptdb.transfer.rows_as_json import table
from promptdb.transfer.source import Source

_NAMES = ("prompts", "prompt_redirects")
_OTHER = "nothing was written; import it into another registry, or register its text: promptdb register-file"


def add_version(connection: sa.Connection, source: Source, registry: Registry) -> Written:
    """Write the missing rows of a version, on the connection that holds the lock. Existing rows stay as they are.

    Raises:
        Conflict: the version cannot be the next one of its prompt.
    """
    [prompt], [version] = source.rows("prompts"), source.rows("prompt_versions")
    prompts, versions, sources = table("prompts"), table("prompt_versions"), table("version_sources")
    is_name = (prompts.c.namespace == prompt["namespace"]) & (prompts.c.name == prompt["name"])
    own = _rows(connection, sa.select(prompts).where((prompts.c.id == prompt["id"]) | is_name))
    revisions = _rows(connection, sa.select(versions).where(versions.c.prompt_id == prompt["id"]))
    _require_next(prompt, version, own, revisions, source.name)

    new = {"prompts": [prompt], "prompt_versions": [version], "prompt_assets": _unnumbered(source, "prompt_assets")}
    if prompt["id"] in {row["id"] for row in own}:
        new["prompts"] = []
    else:  # an earlier name of another prompt now names this one
        connection.execute(
            sa.delete(table("prompt_redirects")).filter_by(namespace=prompt["namespace"], name=prompt["name"])
        )
        new["prompt_redirects"] = [row for row in source.rows("prompt_redirects") if _is_free(connection, row)]
    if version["id"] in {row["id"] for row in revisions}:
        new["prompt_versions"] = new["prompt_assets"] = []
    known = _rows(connection, sa.select(sources).where(sources.c.version_id == version["id"]))
    lacking = [row for row in _unnumbered(source, "version_sources") if not any(_is_same(row, each) for each in known)]
    if lacking:
        [run], now = _unnumbered(source, "sync_runs"), datetime.now(UTC)
        counts = json.dumps({"prompts": len(new["prompts"]), "versions": len(new["prompt_versions"])})
        own_run = {"started_at": now, "finished_at": now, "created_by": registry.actor, "counts_json": counts}
        noted = connection.execute(sa.insert(table("sync_runs")).values({**run, **own_run}))
        key: int = noted.inserted_primary_key[0]  # type: ignore[index]
        new["version_sources"] = [{**row, "run_id": key} for row in lacking]
    if new["prompt_versions"]:
        name = PromptId(prompt["namespace"], prompt["name"])
        RegistryWriter(connection, datetime.now(UTC)).promise([version_created(name, version)])
    rows = sum(insert(connection, source, name, found, registry.blobs) for name, found in new.items()) + bool(lacking)
    return Written(len(new["prompts"]), len(new["prompt_versions"]), 0, rows)


def _require_next(prompt: Row, version: Row, prompts: Sequence[Row], versions: Sequence[Row], source: str) -> None:
    """Compare the version of a file with the prompts of this registry that have its id or name, and with their versions.

    Raises:
        Conflict: the version is not in this registry, and cannot come next.
    """
    name, revision = f"{prompt['namespace']}/{prompt['name']}", version["revision"]
    if version["id"] in {row["id"] for row in versions}:
        return
    if prompts and prompt["id"] not in {row["id"] for row in prompts}:
        message = f"{name} of {source} and the prompt of that name here are not the same prompt"
        raise Conflict(message, "one of them was renamed; nothing was written; 'promptdb mv' the one here first")
    for row in versions:
        if row["revision"] == revision:
            digests = f"{row['spec_hash'][:19]} here and {version['spec_hash'][:19]} in {source}"
            raise Conflict(f"revision {revision} of {name} is {digests}", _OTHER)
        if row["user_version"] == version["user_version"] is not None and row["spec_hash"] != version["spec_hash"]:
            message = f"user_version {version['user_version']!r} of {name} names other content here than in {source}"
            raise Conflict(message, _OTHER)
    if revision != (following := len(versions) + 1):
        message = f"revision {revision} of {name} in {source} cannot come next: the next one here is {following}"
        hint = f"nothing was written; import revision {following} first, or a whole registry: promptdb export --all"
        raise Conflict(message, hint)


def _is_free(connection: sa.Connection, name: Row) -> bool:
    there = (sa.select(table(each)).filter_by(namespace=name["namespace"], name=name["name"]) for each in _NAMES)
    return not any(connection.execute(query).first() for query in there)


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[Row]:
    return [row._asdict() for row in connection.execute(query)]


def _unnumbered(source: Source, name: str) -> list[Row]:
    # This registry numbers its rows itself.
    return [{column: value for column, value in row.items() if column != "id"} for row in source.rows(name)]


def _is_same(row: Row, known: Row) -> bool:
    return all(known[name] == value for name, value in row.items() if name != "run_id")
