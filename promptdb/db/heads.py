"""The highest revision of each prompt: the registry's side of a plan."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.columns import prompts, sources, versions
from promptdb.domain.plan import Head
from promptdb.domain.prompt_id import PromptId

# Some version of the prompt came from a file; this version did, in a commit or without git.
_FROM_FILE, _CONFIRMED = 1, 2

is_highest = versions.c.revision == (
    sa.select(sa.func.max(versions.c.revision))
    .where(versions.c.prompt_id == prompts.c.id)
    .correlate(prompts)
    .scalar_subquery()
)


def select_heads(key: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Select heads in the columns that `head_of` reads. `key` comes first, and may be null."""
    own = versions.alias("own")
    from_file = sa.exists().where(own.c.prompt_id == prompts.c.id, sources.c.version_id == own.c.id)
    confirmed = sa.exists().where(sources.c.version_id == versions.c.id, ~sources.c.is_dirty)
    # The order matters for speed: most heads are confirmed, and need no second subquery.
    standing = sa.case((confirmed.correlate(versions), _CONFIRMED), (from_file.correlate(prompts), _FROM_FILE), else_=0)
    return (
        sa.select(
            key,
            prompts.c.namespace,
            prompts.c.name,
            prompts.c.archived_at.is_not(None),
            versions.c.revision,
            versions.c.spec_hash,
            standing,
        )
        .select_from(prompts)
        .join(versions, sa.and_(versions.c.prompt_id == prompts.c.id, is_highest))
    )


def head_of(row: sa.Row[Any]) -> tuple[UUID, Head]:
    """Read the key of `select_heads` and the head."""
    key, namespace, name, archived, revision, digest, stands = tuple(row)
    prompt = PromptId(namespace, name)
    return key, Head(prompt, revision, digest, archived, stands >= _FROM_FILE, stands == _CONFIRMED)
