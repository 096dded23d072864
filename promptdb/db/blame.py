"""Finds what aliases pointed at in the past, from the log of their moves."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from promptdb.db.columns import events, prompts, versions
from promptdb.db.lookup import first_commit
from promptdb.db.repository import named
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import stored_split
from promptdb.domain.views import BlameEntry


def blame(connection: sa.Connection, at: datetime | None = None, prompt: PromptId | None = None) -> list[BlameEntry]:
    """Find the last move of each alias, up to a time if one is given, of one prompt or of all.

    Omits aliases that were deleted by then.
    """
    last = sa.select(sa.func.max(events.c.id))
    if at is not None:
        last = last.where(events.c.created_at <= at)
    if prompt is not None:
        last = last.where(events.c.prompt_id.in_(sa.select(prompts.c.id).where(*named(prompt))))
    query = (
        sa.select(
            prompts.c.namespace,
            prompts.c.name,
            events.c.alias,
            versions.c.id,
            versions.c.revision,
            versions.c.spec_hash,
            first_commit().label("commit_id"),
            events.c.action,
            events.c.actor,
            events.c.reason,
            events.c.created_at,
            events.c.run_id,
            events.c.split_json,
        )
        .join(prompts, prompts.c.id == events.c.prompt_id)
        .join(versions, versions.c.id == events.c.to_version_id)
        .where(events.c.id.in_(last.group_by(events.c.prompt_id, events.c.alias)))
    )
    found = [_entry(row) for row in connection.execute(query)]
    return sorted(found, key=lambda entry: (entry.prompt, entry.alias))


def _entry(row: Any) -> BlameEntry:
    version = (row.id, row.revision, row.spec_hash, row.commit_id)
    move = (row.action, row.actor, row.reason, row.created_at, row.run_id)
    return BlameEntry(PromptId(row.namespace, row.name), row.alias, *version, *move, stored_split(row.split_json))
