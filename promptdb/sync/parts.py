"""Which parts the updates of a plan change: for people who read it, since digests alone decide."""

from collections.abc import Callable
from dataclasses import replace

import sqlalchemy as sa

from promptdb.db.repository import PromptRepository
from promptdb.domain.changes import changed_parts
from promptdb.domain.identity import PromptId
from promptdb.domain.plan import Action, Plan
from promptdb.domain.spec import PromptSpec

NewSpec = Callable[[PromptId], PromptSpec]


def with_parts(connection: sa.Connection, intended: Plan, new_spec: NewSpec) -> Plan:
    """The plan with `parts` filled in for each update.

    Args:
        connection: sees the heads from before the plan is performed.
        intended: the plan.
        new_spec: the spec that an update brings.
    """
    updated = [change.prompt for change in intended.changes if change.action is Action.UPDATE]
    if not updated:
        return intended
    earlier = {change.prompt: change.renamed_from for change in intended.changes if change.renamed_from is not None}
    recorded = {name: earlier.get(name, name) for name in updated}
    old = PromptRepository(connection).stored_heads(list(recorded.values()))
    parts = {
        name: changed_parts(PromptSpec.from_canonical(old[recorded[name]].spec_json), new_spec(name))
        for name in updated
    }
    changes = [
        replace(change, parts=parts[change.prompt]) if change.action is Action.UPDATE else change
        for change in intended.changes
    ]
    return replace(intended, changes=tuple(changes))
