"""Moves of aliases: those that a sync makes, declared in a file or named for a ref, and what a rollback returns to."""

from collections.abc import Sequence
from dataclasses import dataclass

from promptdb.domain.changes import ContractChange
from promptdb.domain.identity import PromptId
from promptdb.domain.refs import Selector
from promptdb.domain.views import AliasEventView

ALIASES_FILE = "_aliases.yaml"
"""Below the prompts root."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One pointer of `ALIASES_FILE`, as it stands there. `line` and `column` are those of the selector, from 1."""

    alias: str
    prompt: PromptId
    selector: Selector
    text: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class AliasMove:
    """An alias of a prompt from one revision to another; None where it points nowhere yet. `reason` says who wants it.

    `breaking` is what callers of a protected alias would not survive; found for a plan only.
    """

    prompt: PromptId
    alias: str
    from_revision: int | None
    to_revision: int
    reason: str
    breaking: tuple[ContractChange, ...] = ()


def rollback_targets(newest_first: Sequence[AliasEventView]) -> list[int]:
    """The revisions an alias can go back through, the current one last: a rollback takes its step off again."""
    targets: list[int] = []
    for event in reversed(newest_first):
        if event.to_revision is None:
            targets.clear()
        elif event.action == "rollback" and targets:
            targets.pop()
        else:
            targets.append(event.to_revision)
    return targets
