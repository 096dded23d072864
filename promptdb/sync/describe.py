"""Describes plan updates for readers: changed fields, the files behind them, and the callers affected."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from promptdb.db.repository import PromptRepository
from promptdb.domain.changes import changed_files, changed_parts
from promptdb.domain.plan import Action, Change, Plan
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.views import AliasView
from promptdb.project.content import Content

if TYPE_CHECKING:
    from promptdb.domain.spec import PromptSpec


def with_parts(connection: sa.Connection, intended: Plan, content: Callable[[PromptId], Content]) -> Plan:
    """Fill in `parts`, `files` and `contract` of each update, before the plan is performed."""
    if not intended.count(Action.UPDATE):
        return intended
    # Slow to import, and needed for updates only.
    from promptdb.render.caller_interface import changes_between

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


def created(intended: Plan, content: Callable[[PromptId], Content]) -> "Iterator[tuple[Change, None, PromptSpec]]":
    """Yield each new prompt of a plan with its spec."""
    yield from ((c, None, content(c.prompt).spec) for c in intended.changes if c.action is Action.CREATE)


def standing(connection: sa.Connection, intended: Plan, protected: Collection[str]) -> list[AliasView]:
    """List the protected aliases of changed prompts that a plan does not move, under the new names of the prompts."""
    names = {change.renamed_from or change.prompt: change.prompt for change in intended.changes}
    moved = {(move.prompt, move.alias) for move in intended.moves}
    repository = PromptRepository(connection)
    views = [view for alias in sorted(protected) for view in repository.aliases(alias=alias) if view.prompt in names]
    found = [replace(view, prompt=names[view.prompt]) for view in views]
    return sorted((v for v in found if (v.prompt, v.alias) not in moved), key=lambda v: (v.prompt, v.alias))


def updates(
    connection: sa.Connection, intended: Plan, content: Callable[[PromptId], Content]
) -> "Iterator[tuple[Change, PromptSpec, PromptSpec]]":
    """Yield each update of a plan with the old spec and the new one, before the plan is performed."""
    updated = [change for change in intended.changes if change.action is Action.UPDATE]
    if not updated:
        return
    # Slow to import, and needed for updates only.
    from promptdb.domain.spec import PromptSpec

    earlier = {change.prompt: change.renamed_from for change in intended.changes if change.renamed_from is not None}
    heads = PromptRepository(connection).stored_heads([earlier.get(c.prompt, c.prompt) for c in updated])
    for change in updated:
        old = heads[earlier.get(change.prompt, change.prompt)]
        yield change, PromptSpec.from_canonical(old.spec_json), content(change.prompt).spec
