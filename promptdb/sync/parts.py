"""What the updates of a plan change, in which files and for whom: for people who read it, since digests alone decide."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from promptdb.db.repository import PromptRepository
from promptdb.domain.changes import changed_files, changed_parts
from promptdb.domain.identity import PromptId
from promptdb.domain.plan import Action, Change, Plan
from promptdb.sync.content import Content

if TYPE_CHECKING:
    from promptdb.domain.spec import PromptSpec


def with_parts(connection: sa.Connection, intended: Plan, content: Callable[[PromptId], Content]) -> Plan:
    """The plan with `parts`, `files` and `contract` filled in for each update.

    Args:
        connection: sees the heads from before the plan is performed.
        intended: the plan.
        content: what an update brings.
    """
    if not intended.count(Action.UPDATE):
        return intended
    from promptdb.render.interface import changes_between  # as below

    described = {
        change: replace(
            change,
            parts=changed_parts(old, new),
            files=changed_files(old, new, content(change.prompt).texts),
            contract=changes_between(old, new),
        )
        for change, old, new in updates(connection, intended, content)
    }
    return replace(intended, changes=tuple(described.get(change, change) for change in intended.changes))


def updates(
    connection: sa.Connection, intended: Plan, content: Callable[[PromptId], Content]
) -> "Iterator[tuple[Change, PromptSpec, PromptSpec]]":
    """Each update of a plan with the spec it replaces and the one it brings. Arguments as in `with_parts`."""
    updated = [change for change in intended.changes if change.action is Action.UPDATE]
    if not updated:
        return
    earlier = {change.prompt: change.renamed_from for change in intended.changes if change.renamed_from is not None}
    recorded = {change.prompt: earlier.get(change.prompt, change.prompt) for change in updated}
    old = PromptRepository(connection).stored_heads(list(recorded.values()))
    from promptdb.domain.spec import PromptSpec  # slow to import, and needed for updates only

    for change in updated:
        spec_json = old[recorded[change.prompt]].spec_json
        yield change, PromptSpec.from_canonical(spec_json), content(change.prompt).spec
