"""Reads of recorded content by digest, and of the syncs that made the highest revisions."""

from collections.abc import Sequence

import sqlalchemy as sa

from promptdb.db.columns import prompts, runs, sources, versions
from promptdb.db.heads import is_highest
from promptdb.db.repository import among
from promptdb.domain.digest import Digest
from promptdb.domain.prompt_id import PromptId


def recorded_content(connection: sa.Connection, wanted: Sequence[tuple[PromptId, Digest]]) -> dict[PromptId, int]:
    """Read the highest revision of each prompt that has the given digest. Prompts without one are left out."""
    key = sa.tuple_(prompts.c.namespace, prompts.c.name, versions.c.spec_hash)
    query = (
        sa.select(prompts.c.namespace, prompts.c.name, versions.c.revision)
        .join(versions, versions.c.prompt_id == prompts.c.id)
        # The highest revision comes last, and replaces the others in the dictionary.
        .order_by(versions.c.revision)
    )
    rows = among(connection, query, key, [(*prompt, digest) for prompt, digest in wanted])
    return {PromptId(row.namespace, row.name): row.revision for row in rows}


def first_runs(connection: sa.Connection, only: Sequence[PromptId]) -> dict[PromptId, tuple[int, str | None]]:
    """Read the first sync of each highest revision, as its run and git ref. Revisions without a sync are left out."""
    query = (
        sa.select(prompts.c.namespace, prompts.c.name, runs.c.id, runs.c.git_ref)
        .join(versions, sa.and_(versions.c.prompt_id == prompts.c.id, is_highest))
        .join(sources, sources.c.version_id == versions.c.id)
        .join(runs, runs.c.id == sources.c.run_id)
        .order_by(runs.c.id.desc())
    )
    rows = among(connection, query, sa.tuple_(prompts.c.namespace, prompts.c.name), only)
    return {PromptId(row.namespace, row.name): (row.id, row.git_ref) for row in rows}
