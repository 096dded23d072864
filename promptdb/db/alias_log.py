"""Reads the log of the moves of aliases."""

import json
from typing import Any

import sqlalchemy as sa

from promptdb.db.columns import events, prompts, versions
from promptdb.db.repository import named
from promptdb.domain.changes import ContractChange
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import stored_split
from promptdb.domain.views import AliasEventView
from promptdb.errors import IntegrityFailure


def numbered_moves(
    connection: sa.Connection,
    prompt: PromptId | None,
    alias: str | None = None,
    *,
    below: int | None = None,
    limit: int | None = None,
) -> list[tuple[int, AliasEventView]]:
    """Read the moves of a prompt's aliases, or of all, the newest first, with their numbers. `below` is a number above them."""
    query = moves_query().limit(limit)
    if prompt is not None:
        query = query.where(*named(prompt))
    if alias is not None:
        query = query.where(events.c.alias == alias)
    if below is not None:
        query = query.where(events.c.id < below)
    return [(row.id, move_of(row)) for row in connection.execute(query)]


def moves_query() -> sa.Select[Any]:
    """Select the moves of all aliases for `move_of`, the newest first."""
    before, after = versions.alias("before"), versions.alias("after")
    names = (prompts.c.namespace, prompts.c.name)
    revisions = (before.c.revision.label("from_revision"), after.c.revision.label("to_revision"))
    return (
        sa.select(events, *names, *revisions)
        .join(prompts, prompts.c.id == events.c.prompt_id)
        .outerjoin(before, before.c.id == events.c.from_version_id)
        .outerjoin(after, after.c.id == events.c.to_version_id)
        .order_by(events.c.id.desc())
    )


def logged_moves(connection: sa.Connection, prompt: PromptId, alias: str | None = None) -> list[AliasEventView]:
    """Read the moves of a prompt's aliases, the newest first."""
    return [event for _, event in numbered_moves(connection, prompt, alias)]


def move_of(row: Any) -> AliasEventView:
    """Read a row of `moves_query`."""
    return AliasEventView(
        *(
            PromptId(row.namespace, row.name),
            row.alias,
            row.action,
            row.from_revision,
            row.to_revision,
            row.actor,
            row.reason,
            row.created_at,
        ),
        breaking=_breaking(row.breaking_json),
        run_id=row.run_id,
        split=stored_split(row.split_json),
    )


def _breaking(text: str | None) -> tuple[ContractChange, ...]:
    try:
        return tuple(ContractChange(**change) for change in json.loads(text or "[]"))
    except (ValueError, TypeError) as error:
        raise IntegrityFailure(
            f"a row of alias_events cannot be read: {error}", "restore the database from a backup"
        ) from error
