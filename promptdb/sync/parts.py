"""What the updates of a plan change, and in which files: for people who read it, since digests alone decide."""

from collections.abc import Callable
from dataclasses import replace

import sqlalchemy as sa

from promptdb.db.repository import PromptRepository
from promptdb.domain.changes import changed_files, changed_parts
from promptdb.domain.identity import PromptId
from promptdb.domain.plan import Action, Change, Plan
from promptdb.domain.spec import PromptSpec
from promptdb.sync.content import Content


def with_parts(connection: sa.Connection, intended: Plan, content: Callable[[PromptId], Content]) -> Plan:
    """The plan with `parts` and `files` filled in for each update.

    Args:
        connection: sees the heads from before the plan is performed.
        intended: the plan.
        content: what an update brings.
    """
    updated = [change.prompt for change in intended.changes if change.action is Action.UPDATE]
    if not updated:
        return intended
    earlier = {change.prompt: change.renamed_from for change in intended.changes if change.renamed_from is not None}
    recorded = {name: earlier.get(name, name) for name in updated}
    old = PromptRepository(connection).stored_heads(list(recorded.values()))
    changes = [
        _described(change, old[recorded[change.prompt]].spec_json, content(change.prompt))
        if change.action is Action.UPDATE
        else change
        for change in intended.changes
    ]
    return replace(intended, changes=tuple(changes))


def _described(change: Change, old_spec: str, content: Content) -> Change:
    old, new = PromptSpec.from_canonical(old_spec), content.spec
    return replace(change, parts=changed_parts(old, new), files=changed_files(old, new, content.texts))
