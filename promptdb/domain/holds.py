"""The versions that git gives aliases, and holds: aliases that were moved by hand away from them."""

from dataclasses import dataclass
from datetime import datetime

from promptdb.domain.aliases import AliasTarget
from promptdb.domain.digest import Digest
from promptdb.domain.layout import ALIASES_FILE
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import Split, are_same


@dataclass(frozen=True, slots=True)
class GitTarget:
    """The version that the last sync of `root` and `git_ref` found for an alias of a prompt.

    `selector` and `line` are those of `ALIASES_FILE`. They are None if the setting `refs` moves the alias.
    """

    revision: int
    digest: Digest
    root: str
    git_ref: str
    selector: str | None = None
    line: int | None = None
    split: Split | None = None

    @property
    def place(self) -> str:
        """The line of the declaration from the top of the repository, or the ref."""
        if self.selector is None:
            return f"the ref {self.git_ref}"
        return f"{'' if self.root == '.' else f'{self.root}/'}{ALIASES_FILE}:{self.line}"

    def is_same(self, target: AliasTarget) -> bool:
        """Check if git still gives this content. A sync may record it again, under a new revision."""
        is_same_content = target.revision == self.revision or target.digest == self.digest
        return is_same_content and are_same(target.split, self.split)


@dataclass(frozen=True, slots=True)
class Hold:
    """An alias that someone moved by hand away from the version that git gives it. Syncs leave it there.

    `revision` is where it is, with its split, or None if it was deleted. `action`, `actor`, `since` and `reason` are those of
    the move.
    """

    prompt: PromptId
    alias: str
    revision: int | None
    git: GitTarget
    action: str
    actor: str
    since: datetime
    reason: str | None = None
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class EndedHold:
    """A hold that a sync ends, because git gives the alias another version, or none any more (`git_revision` is None)."""

    hold: Hold
    git_revision: int | None
    git_split: Split | None = None
