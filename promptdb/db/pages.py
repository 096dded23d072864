"""Reads one page of a long list: the rows after a key, in the order of the key."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.columns import aliases, prompts, runs, versions
from promptdb.db.heads import is_highest
from promptdb.db.repository import in_namespace, select_versions, stored_of, view_of
from promptdb.domain.listing import Behind, PromptFilter, SyncRun
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import Split, stored_split
from promptdb.domain.views import PromptVersionView, StoredVersion
from promptdb.errors import IntegrityFailure


def heads_page(
    connection: sa.Connection, wanted: PromptFilter, after: PromptId | None, limit: int
) -> list[StoredVersion]:
    """Read the highest revisions after a prompt, by name. The caller checks them: a filter takes fewer than the database."""
    name = sa.tuple_(prompts.c.namespace, prompts.c.name)
    query = select_versions().add_columns(versions.c.spec_json).where(is_highest)
    if after is not None:
        query = query.where(name > sa.tuple_(*map(sa.literal, after)))
    if wanted.namespace is not None:
        query = query.where(in_namespace(wanted.namespace))
    if not wanted.archived:
        query = query.where(prompts.c.archived_at.is_(None))
    for exact in (wanted.tag, wanted.owner, wanted.fragment):
        if exact is not None:
            query = query.where(versions.c.spec_json.contains(json.dumps(exact, ensure_ascii=False), autoescape=True))
    if wanted.text is not None:
        pattern = _pattern(json.dumps(wanted.text, ensure_ascii=False)[1:-1])
        full = prompts.c.namespace + "/" + prompts.c.name
        query = query.where(sa.or_(*(column.ilike(pattern, escape="/") for column in (full, versions.c.spec_json))))
    if wanted.behind is not None:
        pointing = sa.exists().where(
            aliases.c.prompt_id == prompts.c.id, aliases.c.alias == wanted.behind, aliases.c.version_id != versions.c.id
        )
        query = query.where(pointing.correlate(prompts, versions))
    query = query.order_by(prompts.c.namespace, prompts.c.name).limit(limit)
    return [stored_of(row) for row in connection.execute(query)]


def behind_page(connection: sa.Connection, alias: str, limit: int) -> list[Behind]:
    """Read the first prompts, by name, with an alias that is not at the highest revision. Archived ones are left out."""
    return [behind_of(row) for row in connection.execute(behind_query(alias, limit))]


def behind_query(alias: str, limit: int) -> sa.Select[Any]:
    """Select the rows of `behind_page` for `behind_of`."""
    there = versions.alias("there")
    return (
        sa.select(
            *(prompts.c.namespace, prompts.c.name, there.c.revision.label("there"), versions.c.revision),
            *(there.c.spec_json.label("spec_there"), versions.c.spec_json),
        )
        .select_from(aliases)
        .join(prompts, prompts.c.id == aliases.c.prompt_id)
        .join(there, there.c.id == aliases.c.version_id)
        .join(versions, sa.and_(versions.c.prompt_id == prompts.c.id, is_highest))
        .where(aliases.c.alias == alias, there.c.id != versions.c.id, prompts.c.archived_at.is_(None))
        .order_by(prompts.c.namespace, prompts.c.name)
        .limit(limit)
    )


def behind_of(row: Any) -> Behind:
    """Read a row of `behind_query`."""
    return Behind(PromptId(row.namespace, row.name), row.there, row.revision, row.spec_there, row.spec_json)


def _pattern(text: str) -> str:
    """Make a pattern that matches each text which has this one as a part, in upper or lower case."""
    # Databases disagree about the lower case of other letters. That of two of them has an i or a k.
    wild = "".join("%" if not c.isascii() else "_" if c in "iIkK" else f"/{c}" if c in "%_/" else c for c in text)
    return f"%{wild}%"


class AliasTargets(NamedTuple):
    """The revisions that the aliases of a prompt point at, sorted by alias, and the splits of those that have one."""

    revisions: dict[str, int]
    splits: dict[str, Split]


def targets_of_aliases(connection: sa.Connection, of: Sequence[PromptId]) -> dict[PromptId, AliasTargets]:
    """Read the targets of the aliases of some prompts. A prompt without an alias is left out."""
    query = (
        sa.select(prompts.c.namespace, prompts.c.name, aliases.c.alias, versions.c.revision, aliases.c.split_json)
        .join(prompts, prompts.c.id == aliases.c.prompt_id)
        .join(versions, versions.c.id == aliases.c.version_id)
        .where(sa.tuple_(prompts.c.namespace, prompts.c.name).in_(of))
    )
    found: dict[PromptId, AliasTargets] = {}
    for namespace, name, alias, revision, text in sorted(tuple(row) for row in connection.execute(query)):
        targets = found.setdefault(PromptId(namespace, name), AliasTargets({}, {}))
        targets.revisions[alias] = revision
        if (split := stored_split(text)) is not None:
            targets.splits[alias] = split
    return found


def all_versions_page(
    connection: sa.Connection, before: tuple[datetime, UUID] | None, limit: int
) -> list[PromptVersionView]:
    """Read the versions of all prompts before a time and an id, the newest first."""
    key = (versions.c.created_at, versions.c.id)
    query = select_versions().order_by(*(column.desc() for column in key)).limit(limit)
    if before is not None:
        values = [sa.literal(value, column.type) for value, column in zip(before, key, strict=True)]
        query = query.where(sa.tuple_(*key) < sa.tuple_(*values))
    return [view_of(row) for row in connection.execute(query)]


def runs_page(connection: sa.Connection, before: int | None, limit: int) -> list[SyncRun]:
    """Read the syncs before another one, the newest first."""
    return [run_of(row) for row in connection.execute(runs_query(before, limit))]


def runs_query(before: int | None, limit: int) -> sa.Select[Any]:
    """Select the syncs before another one for `run_of`, the newest first."""
    query = sa.select(runs).order_by(runs.c.id.desc()).limit(limit)
    return query if before is None else query.where(runs.c.id < before)


def run_of(row: Any) -> SyncRun:
    """Read a row of `runs_query`."""
    try:
        counts = {str(name): int(count) for name, count in json.loads(row.counts_json).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise IntegrityFailure(f"the row of sync {row.id} was edited", "restore the database from a backup") from error
    return SyncRun(
        *(row.id, row.root, row.git_ref, row.commit_id, row.is_dirty, row.outcome),
        *(counts, row.created_by, row.started_at, row.finished_at),
    )
