"""Reads the recorded state that a plan starts from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.repository import PromptRepository
from promptdb.domain.commit_order import RecordedHead
from promptdb.domain.plan import Desired, Head, Recorded
from promptdb.domain.prompt_id import PromptId


@dataclass(frozen=True)
class Seen:
    """The recorded state in one transaction, with the ids of its prompts. `heads` are synced commits by ref."""

    state: Recorded
    ids: Mapping[PromptId, UUID]
    heads: Mapping[str, RecordedHead] = field(default_factory=dict)


def recorded_state(connection: sa.Connection, desired: Sequence[Desired]) -> Recorded:
    """Read the recorded state that the plan of a whole tree depends on."""
    repository = PromptRepository(connection)
    heads = repository.head_states()
    return Recorded(heads, repository.labels(_labels_in_question(desired, heads)))


def recorded_with_ids(connection: sa.Connection, desired: Sequence[Desired], *, whole_tree: bool) -> Seen:
    """Read the recorded state and the ids of the prompts: all of them for a whole tree, otherwise the desired ones."""
    repository = PromptRepository(connection)
    only = None if whole_tree else [name for item in desired for name in (item.prompt, *item.renamed_from)]
    found = repository.heads(only)
    heads = {name: head for name, (_, head) in found.items()}
    state = Recorded(heads, repository.labels(_labels_in_question(desired, heads)))
    return Seen(state, {name: key for name, (key, _) in found.items()})


def _labels_in_question(desired: Sequence[Desired], heads: Mapping[PromptId, Head]) -> list[tuple[PromptId, str]]:
    # Only content that differs from the head can conflict: its label may already name other content.
    return [
        (name, item.user_version)
        for item in desired
        if item.user_version is not None
        for name in (item.prompt, *item.renamed_from)
        if name in heads and heads[name].digest != item.digest
    ]
