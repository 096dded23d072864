"""The verbs of `PromptService` that move aliases."""

from abc import ABC, abstractmethod

from promptdb.domain.alias_condition import Expected
from promptdb.domain.aliases import AliasMove, AliasTarget
from promptdb.domain.holds import Hold
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef, parse_promotion
from promptdb.domain.splits import Arms
from promptdb.domain.views import StoredVersion
from promptdb.errors import VersionNotFound
from promptdb.registry import aliases, holds, splits
from promptdb.registry.stores import Registry


class AliasVerbs(ABC):
    """Moves, splits, holds and releases aliases of one registry."""

    @property
    @abstractmethod
    def registry(self) -> Registry: ...

    @abstractmethod
    def find(self, ref: PromptRef) -> StoredVersion: ...

    def promote(
        self,
        ref: str,
        alias: str,
        *,
        expected: Expected = "any",
        reason: str | None = None,
        dry_run: bool = False,
        allow_breaking: bool = False,
    ) -> AliasMove:
        """Point an alias at a version.

        Args:
            expected: the revision that the alias must point at now.
            reason: recorded in the alias log.
            dry_run: write nothing, but refuse the same moves.
            allow_breaking: move a protected alias even if that breaks its callers. The log records the breaking changes.

        Raises:
            InvalidRef: `ref` or `alias` is malformed.
            NotFound: the version does not exist.
            Conflict: the alias does not point at `expected`, or was moved at the same time.
            Guard: the alias is protected, and the new version breaks callers of the current one.
        """
        target = self.find(parse_promotion(ref, alias)).view
        if not target.is_recorded:
            hint = "an alias needs a recorded version: sync that commit first, with 'promptdb sync --rev'"
            raise VersionNotFound(f"no sync has recorded the version that {ref} names", hint)
        move = aliases.decide_promotion(self.registry, target.prompt, AliasTarget(target.revision, target.id), alias)
        return aliases.perform_one(
            self.registry, move, expected, reason, dry_run=dry_run, allow_breaking=allow_breaking
        )

    def promote_all(
        self, source: str, alias: str, *, dry_run: bool = False, reason: str | None = None, allow_breaking: bool = False
    ) -> list[AliasMove]:
        """Point `alias` where `source` points, for every prompt that has `source`, in one transaction.

        Arguments and errors as in `promote`. Returns the moves that change something.
        """
        moves = aliases.decide_all(self.registry, source, alias)
        return aliases.perform(self.registry, moves, reason, dry_run=dry_run, allow_breaking=allow_breaking)

    def split(
        self,
        prompt: str,
        alias: str,
        arms: Arms,
        *,
        expected: Expected = "any",
        reason: str | None = None,
        dry_run: bool = False,
        allow_breaking: bool = False,
    ) -> AliasMove:
        """Give a part of the keys, such as users, other versions than the rest. Any other move ends the split.

        Args:
            arms: selectors with weights, such as `[("rev:3", 90), ("rev:4", 10)]`. The first is the control: callers without a
                key get it.
            expected, reason, dry_run, allow_breaking: as in `promote`.

        Raises:
            InvalidRef: a selector or a weight is malformed, or a revision is given twice.
            Guard: the alias is protected, and one of the versions breaks callers of the current one.
            NotFound, Conflict: as in `promote`.
        """
        move = splits.decide_split(self.registry, PromptId.parse(prompt), alias, arms)
        return aliases.perform_one(
            self.registry, move, expected, reason, dry_run=dry_run, allow_breaking=allow_breaking
        )

    def end_split(
        self,
        prompt: str,
        alias: str,
        selector: str,
        *,
        expected: Expected = "any",
        reason: str | None = None,
        allow_breaking: bool = False,
    ) -> AliasMove:
        """Point an alias at one arm of its split. Raises `Conflict` if that is not an arm, and otherwise as `promote`."""
        move = splits.decide_end(self.registry, PromptId.parse(prompt), alias, selector)
        return aliases.perform_one(self.registry, move, expected, reason, allow_breaking=allow_breaking)

    def rollback(self, prompt: str, alias: str, *, expected: Expected = "any", reason: str | None = None) -> AliasMove:
        """Return an alias to its previous target, even if that breaks callers. Arguments and errors as in `promote`."""
        move = aliases.decide_rollback(self.registry, PromptId.parse(prompt), alias)
        return aliases.perform_one(self.registry, move, expected, reason)

    def delete_alias(
        self, prompt: str, alias: str, *, expected: Expected = "any", reason: str | None = None
    ) -> AliasMove:
        """Remove an alias, and keep its log. Arguments and errors as in `promote`."""
        move = aliases.decide_deletion(self.registry, PromptId.parse(prompt), alias)
        return aliases.perform_one(self.registry, move, expected, reason)

    def holds(self, prompt: str | None = None) -> list[Hold]:
        """List the aliases of one prompt, or of all, that were moved by hand away from where git has them."""
        return holds.holds_of(self.registry, PromptId.parse(prompt) if prompt is not None else None)

    def release_alias(self, prompt: str, alias: str, *, reason: str | None = None) -> Hold:
        """End the hold of an alias: the next sync moves it to where git has it. Raises `NotFound` if it is not held."""
        return holds.release(self.registry, PromptId.parse(prompt), alias, reason)
