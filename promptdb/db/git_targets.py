"""Reads and writes the versions that git gives aliases, and the holds that follow from them and the alias log."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.columns import aliases, events, git_targets, prompts, versions
from promptdb.db.inserts import Row, insert_rows
from promptdb.db.repository import alias_of, in_order, named, select_aliases
from promptdb.domain.aliases import RELEASE
from promptdb.domain.digest import Digest
from promptdb.domain.holds import GitTarget, Hold
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import are_same, stored_split
from promptdb.domain.views import AliasView

Key = tuple[PromptId, str]
"""A prompt and an alias."""

_target = (
    *(git_targets.c.root, git_targets.c.git_ref, git_targets.c.selector, git_targets.c.line),
    *(versions.c.revision.label("git_revision"), versions.c.spec_hash.label("git_digest")),
    git_targets.c.split_json.label("git_split"),
)

_last_move = (
    sa.select(sa.func.max(events.c.id))
    .where(events.c.prompt_id == git_targets.c.prompt_id, events.c.alias == git_targets.c.alias)
    .correlate(git_targets)
    .scalar_subquery()
)


def read_git_targets(
    connection: sa.Connection, prompt: PromptId | None = None, alias: str | None = None
) -> dict[Key, GitTarget]:
    """Read the versions that git gives aliases: all, or those of a prompt or an alias."""
    query = sa.select(prompts.c.namespace, prompts.c.name, git_targets.c.alias, *_target).select_from(_recorded())
    if prompt is not None:
        query = query.where(*named(prompt))
    if alias is not None:
        query = query.where(git_targets.c.alias == alias)
    return {(PromptId(row.namespace, row.name), row.alias): _target_of(row) for row in connection.execute(query)}


def read_holds(connection: sa.Connection, prompt: PromptId | None = None) -> list[Hold]:
    """Read the holds of all prompts or of one: the last move of the alias was by hand, away from what git gives."""
    there = versions.alias("there")
    query = (
        sa.select(
            *(prompts.c.namespace, prompts.c.name, git_targets.c.alias, *_target, there.c.revision),
            aliases.c.split_json,
            *(events.c.action, events.c.actor, events.c.created_at, events.c.reason),
        )
        .select_from(_recorded())
        .join(events, events.c.id == _last_move)
        .outerjoin(
            aliases, sa.and_(aliases.c.prompt_id == git_targets.c.prompt_id, aliases.c.alias == git_targets.c.alias)
        )
        .outerjoin(there, there.c.id == aliases.c.version_id)
        .where(events.c.run_id.is_(None), events.c.action != RELEASE)
        .where(
            sa.or_(
                aliases.c.version_id.is_distinct_from(git_targets.c.version_id),
                aliases.c.split_json.is_distinct_from(git_targets.c.split_json),
            )
        )
    )
    if prompt is not None:
        query = query.where(*named(prompt))
    found = [
        Hold(
            *(PromptId(row.namespace, row.name), row.alias, row.revision, _target_of(row)),
            *(row.action, row.actor, row.created_at, row.reason),
            split=stored_split(row.split_json),
        )
        for row in connection.execute(query)
    ]
    # Splits of the same arms may have other slices.
    found = [hold for hold in found if hold.revision != hold.git.revision or not are_same(hold.split, hold.git.split)]
    # Not in SQL: databases differ in the order of text.
    return sorted(found, key=lambda hold: (hold.prompt, hold.alias))


def read_aliases(connection: sa.Connection, prompt: PromptId | None = None) -> list[AliasView]:
    """Read the aliases of all prompts or of one, sorted by prompt and name, and find out which are held."""
    git = versions.alias("git")
    query = (
        select_aliases(prompt)
        .add_columns(git.c.revision.label("git_revision"), git_targets.c.split_json.label("git_split"))
        .add_columns(events.c.action, events.c.run_id)
        .outerjoin(
            git_targets,
            sa.and_(git_targets.c.prompt_id == aliases.c.prompt_id, git_targets.c.alias == aliases.c.alias),
        )
        .outerjoin(git, git.c.id == git_targets.c.version_id)
        .outerjoin(events, events.c.id == _last_move)
    )
    return in_order(replace(alias_of(row), held=_is_held(row)) for row in connection.execute(query))


def _is_held(row: Any) -> bool:
    # An alias that git does not have joins no event.
    if row.action in (None, RELEASE) or row.run_id is not None:
        return False
    return row.revision != row.git_revision or not are_same(stored_split(row.split_json), stored_split(row.git_split))


def write_git_targets(connection: sa.Connection, rows: Iterable[Row], gone: Iterable[tuple[UUID, str]]) -> None:
    """Replace the rows of some aliases, and remove those of others, on the connection that holds the lock."""
    new = list(rows)
    keys = [*gone, *((row["prompt_id"], row["alias"]) for row in new)]
    if keys:
        where = (git_targets.c.prompt_id == sa.bindparam("key"), git_targets.c.alias == sa.bindparam("name"))
        connection.execute(sa.delete(git_targets).where(*where), [{"key": key, "name": alias} for key, alias in keys])
    insert_rows(connection, git_targets, new)


def _recorded() -> sa.FromClause:
    return git_targets.join(prompts, prompts.c.id == git_targets.c.prompt_id).join(
        versions, versions.c.id == git_targets.c.version_id
    )


def _target_of(row: Any) -> GitTarget:
    place = (row.root, row.git_ref, row.selector, row.line)
    return GitTarget(row.git_revision, Digest(row.git_digest), *place, stored_split(row.git_split))
