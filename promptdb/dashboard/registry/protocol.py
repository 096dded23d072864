"""The questions of the pages to a registry, and the moves that they make."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from promptdb.domain.alias_condition import Expected
from promptdb.domain.aliases import AliasMove
from promptdb.domain.listing import Behind, ListedPrompt, PromptFilter, SyncRun
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import Arms
from promptdb.domain.views import AliasEventView, AliasView, BlameEntry, LogEntry
from promptdb.render.resolved import ResolvedPrompt

PAGE = 50
"""The items of a list on one page."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A part of a long list. `following` is the cursor of the rest, if there is more."""

    items: tuple[T, ...]
    following: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The aliases of a prompt, and some of its versions, the newest first."""

    aliases: tuple[AliasView, ...]
    versions: tuple[LogEntry, ...]


@dataclass(frozen=True, slots=True)
class News:
    """The lists of the overview. `runs` is None for a token that may not see syncs."""

    behind: tuple[Behind, ...]
    moves: tuple[AliasEventView, ...]
    runs: tuple[SyncRun, ...] | None


class Registry(Protocol):
    """One registry, for any number of threads. `place` names it, without secrets.

    Raises:
        InvalidRef: a name, an alias or a reference is malformed.
        NotFound: there is no such prompt or version. The hint lists those that exist.
        Unauthorized: the server behind it does not accept the token, or needs one.
        Forbidden: the token does not permit this.
        StorageError: the registry cannot be reached, or fails.
    """

    place: str

    def prompts(self, wanted: PromptFilter, cursor: str | None = None) -> Listing[ListedPrompt]:
        """List the prompts that a filter takes, sorted by name."""
        ...

    def behind(self, alias: str, limit: int) -> list[Behind]:
        """List the first prompts with an alias that is not at the newest version, sorted by name, with both versions."""
        ...

    def news(self, alias: str, behind: int, moves: int, runs: int) -> News:
        """List the first prompts as `behind` does, and the newest moves and syncs, at most so many of each."""
        ...

    def prompt(self, prompt: PromptId) -> ListedPrompt:
        """Find a prompt with its aliases and its newest revision. An earlier name leads to it too."""
        ...

    def standing(
        self, prompt: PromptId, before: int | None = None, limit: int = PAGE, *, with_commits: bool = True
    ) -> Standing:
        """Read the aliases of a prompt, and its versions before a revision. `prompt` is its present name.

        Without commits, no version says where it came from, which saves a question. So does a limit of 0.
        """
        ...

    def versions(self, prompt: PromptId, revisions: Collection[int]) -> dict[int, ResolvedPrompt]:
        """Find some versions of a prompt by its present name at once. Revisions that do not exist are left out."""
        ...

    def version(self, ref: str) -> ResolvedPrompt:
        """Find a version, ready to render. An earlier name of the prompt leads to it too."""
        ...

    def moves(
        self, prompt: PromptId | None = None, alias: str | None = None, cursor: str | None = None, limit: int = PAGE
    ) -> Listing[AliasEventView]:
        """List the moves of aliases, the newest first, of one prompt or of all."""
        ...

    def blame(
        self, at: datetime | None = None, prompt: PromptId | None = None, cursor: str | None = None
    ) -> Listing[BlameEntry]:
        """List what aliases pointed at, by default now. A cursor keeps the time of its first page."""
        ...

    def runs(self, cursor: str | None = None, limit: int = PAGE) -> Listing[SyncRun]:
        """List the recorded syncs, the newest first."""
        ...

    def may_move(self, prompt: PromptId, alias: str) -> bool:
        """Check the right to move an alias. The registry checks it again when the alias moves."""
        ...

    def promote(
        self,
        prompt: PromptId,
        alias: str,
        selector: str,
        *,
        expected: Expected,
        reason: str | None,
        allow_breaking: bool = False,
    ) -> AliasMove:
        """Point an alias at a version of its prompt.

        Args:
            expected: the revision that the alias must point at now; None if it must not exist.
            allow_breaking: move a protected alias even if that breaks its callers.

        Raises:
            AliasMoved: the alias does not point at `expected`. `last_move` says who moved it.
            Guard: the alias is protected, and the version breaks its callers. `breaking` lists how.
        """
        ...

    def split(
        self,
        prompt: PromptId,
        alias: str,
        arms: Arms,
        *,
        expected: Expected,
        reason: str | None,
        allow_breaking: bool = False,
    ) -> AliasMove:
        """Give a part of the keys other versions than the rest. Arguments and errors as in `promote`.

        Args:
            arms: selectors with their weights. The first is the control.
        """
        ...

    def rollback(self, prompt: PromptId, alias: str, *, expected: Expected, reason: str | None) -> AliasMove:
        """Return an alias to its previous target. Arguments and errors as in `promote`."""
        ...
