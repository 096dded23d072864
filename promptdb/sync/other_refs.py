"""Syncs of other refs than the main one: recorded content is used again, so that `latest` stays with the main ref."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from promptdb.db.earlier import first_runs, recorded_content
from promptdb.domain.commit_order import RecordedHead, main_head
from promptdb.domain.plan import Desired, Policy, Recorded
from promptdb.domain.prompt_id import PromptId
from promptdb.project.view import Origin


def as_seen_by(
    origin: Origin,
    policy: Policy,
    heads: Mapping[str, RecordedHead],
    connection: sa.Connection,
    recorded: Recorded,
    desired: Sequence[Desired],
) -> Recorded:
    """Add what the sync of another ref must leave alone. `heads` are the synced commits of the same tree, by ref."""
    # The plan of a ref that may not be synced shows what a merge would do. `--local` follows the checkout.
    if origin.commit_id is None or policy.local or not origin.refs.allow(origin.git_ref):
        return recorded
    main = main_head(origin.head_name, heads, origin.refs.main)
    if main is None:
        return recorded
    return replace(recorded, other_ref=True, earlier=_earlier(connection, recorded, desired, main, origin))


def _earlier(
    connection: sa.Connection, recorded: Recorded, desired: Sequence[Desired], main: RecordedHead, origin: Origin
) -> dict[PromptId, int]:
    """Find the newest revision with the content of each prompt whose head differs from it.

    A head that this ref made itself, after the newest sync of the main ref, gives way as usual.
    """
    heads = recorded.heads
    changed = [item for item in desired if item.prompt in heads and heads[item.prompt].digest != item.digest]
    found = recorded_content(connection, [(item.prompt, item.digest) for item in changed])
    makers = first_runs(connection, list(found))

    def is_own(prompt: PromptId) -> bool:
        run_id, git_ref = makers.get(prompt, (0, None))
        return run_id > main.run_id and origin.refs.head_name(git_ref) == origin.head_name

    return {prompt: revision for prompt, revision in found.items() if not is_own(prompt)}
