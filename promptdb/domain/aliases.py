"""Declarations, targets and moves of aliases, and the targets that rollbacks return to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from promptdb.domain.changes import ContractChange
from promptdb.domain.digest import Digest
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import Latest, Selector
from promptdb.domain.splits import Split, are_same
from promptdb.domain.version_ids import version_id
from promptdb.domain.views import AliasEventView, AliasView

if TYPE_CHECKING:
    from promptdb.domain.holds import GitTarget

RELEASE = "release"
"""The action in the alias log that ends a hold, and moves nothing."""


@dataclass(frozen=True, slots=True)
class DeclaredArm:
    """One arm of a split in `ALIASES_FILE`. `line` and `column` locate its weight."""

    selector: Selector
    text: str
    weight: int
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Declaration:
    """One entry of `ALIASES_FILE` as written. `line` and `column` locate the selector and count from 1.

    A split has `arms`, and the selector is that of the control.
    """

    alias: str
    prompt: PromptId
    selector: Selector
    text: str
    line: int = 1
    column: int = 1
    arms: tuple[DeclaredArm, ...] = ()

    @property
    def is_latest(self) -> bool:
        selectors = [arm.selector for arm in self.arms] or [self.selector]
        return all(isinstance(selector, Latest) for selector in selectors)


@dataclass(frozen=True, slots=True)
class AliasTarget:
    """A version for an alias to point at, the control if there is a split.

    A version that is not written yet has a digest instead of an id.
    """

    revision: int
    version: UUID | None = None
    digest: Digest | None = None
    split: Split | None = None

    def after(self, there: AliasView | None) -> "AliasTarget":
        """Continue the split of the alias, so that as few keys as possible move. Errors as in `Split.after`."""
        if self.split is None:
            return self
        return replace(self, split=self.split.after(there.split if there is not None else None))


_PLANNED = ("prompt", "alias", "from_revision", "to_revision", "from_split", "to_split", "reason", "breaking")
_BY_HAND = (
    *_PLANNED[:2],
    "action",
    *_PLANNED[2:6],
    "to_version",
    "from_version",
    "generation",
    "breaking",
    "git_target",
)


@dataclass(frozen=True, slots=True)
class AliasMove:
    """A move of an alias from one revision to another, or to another split. The revision None stands for no alias.

    `action` is the word in the alias log. `generation` counts the earlier moves, including deletions. `breaking` lists the
    changes that break callers of a protected alias. `to_digest` identifies a version without an id. `git_target` is the
    version that git gives the alias, as known when it is moved by hand.
    """

    prompt: PromptId
    alias: str
    action: str
    from_revision: int | None
    to_revision: int | None
    to_version: UUID | None = None
    from_version: UUID | None = None
    generation: int = 0
    breaking: tuple[ContractChange, ...] = ()
    reason: str | None = None
    to_digest: Digest | None = None
    git_target: "GitTarget | None" = None
    from_split: Split | None = None
    to_split: Split | None = None

    @classmethod
    def between(
        cls,
        prompt: PromptId,
        alias: str,
        action: str,
        there: AliasView | None,
        target: AliasTarget | None,
        generation: int = 0,
        reason: str | None = None,
    ) -> "AliasMove":
        """Describe the move of an alias to a target. The target None deletes the alias."""
        old = (there.revision, there.version_id) if there else (None, None)
        new = (target.revision, target.version, target.digest) if target else (None, None, None)
        return cls(
            *(prompt, alias, action, old[0], new[0], new[1], old[1], generation, (), reason, new[2]),
            from_split=there.split if there else None,
            to_split=target.split if target else None,
        )

    @property
    def is_needed(self) -> bool:
        return self.from_revision != self.to_revision or not are_same(self.from_split, self.to_split)

    @property
    def is_held(self) -> bool:
        """True for a move by hand away from what git gives the alias. Syncs leave it there."""
        git = self.git_target
        return git is not None and (git.revision != self.to_revision or not are_same(git.split, self.to_split))

    @property
    def json_fields(self) -> tuple[str, ...]:
        """The fields to print. A sync plans moves before versions have ids, and gives a reason."""
        return _PLANNED if self.action == "sync" else _BY_HAND

    def with_version(self, prompt_id: UUID) -> "AliasMove":
        """Fill in the id of the target version once it is written."""
        if self.to_revision is None or self.to_digest is None:
            return self
        return replace(self, to_version=version_id(prompt_id, self.to_revision, self.to_digest))


def rollback_targets(newest_first: Sequence[AliasEventView]) -> list[AliasTarget]:
    """List the targets that an alias can roll back through, the current one last. A rollback undoes one step."""
    targets: list[AliasTarget] = []
    for event in reversed(newest_first):
        if event.action == RELEASE:
            continue
        if event.to_revision is None:
            targets.clear()
        elif event.action == "rollback" and targets:
            targets.pop()
        else:
            targets.append(AliasTarget(event.to_revision, split=event.split))
    return targets
