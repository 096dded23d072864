"""A registry in this process, with the rights of whoever started the dashboard."""

import json
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from promptdb.dashboard.registry.protocol import PAGE, Listing, News, Standing
from promptdb.domain.alias_condition import Condition, Expected
from promptdb.domain.aliases import AliasMove
from promptdb.domain.json_fields import Wrong, number, time, typed
from promptdb.domain.listing import Behind, ListedPrompt, PromptFilter, SyncRun
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import MAX_REVISION
from promptdb.domain.splits import Arms
from promptdb.domain.views import AliasEventView, BlameEntry
from promptdb.errors import InvalidRef
from promptdb.registry import listings
from promptdb.registry.requested_moves import RequestedMove, make_move
from promptdb.render.resolved import ResolvedPrompt, resolved
from promptdb.service import PromptService

_T = TypeVar("_T")
_Key = TypeVar("_Key")


class LocalRegistry:
    """The registry of a service."""

    def __init__(self, service: PromptService) -> None:
        self._service = service
        self.place = service.reader.stores.address

    def prompts(self, wanted: PromptFilter, cursor: str | None = None) -> Listing[ListedPrompt]:
        after = _key_in(cursor, lambda key: PromptId.parse(typed(key, str)))
        found = listings.list_prompts(self._service.registry, wanted, _anyone, after, PAGE + 1)
        return _listing(found, PAGE, lambda listed: str(listed.summary.prompt))

    def behind(self, alias: str, limit: int) -> list[Behind]:
        return listings.list_behind(self._service.registry, alias, limit)

    def news(self, alias: str, behind: int, moves: int, runs: int) -> News:
        found = listings.list_recent(self._service.registry, alias, behind, moves, runs)
        return News(tuple(found.behind), tuple(found.moves), tuple(found.runs))

    def prompt(self, prompt: PromptId) -> ListedPrompt:
        return listings.find_prompt(self._service.registry, prompt)

    def standing(
        self, prompt: PromptId, before: int | None = None, limit: int = PAGE, *, with_commits: bool = True
    ) -> Standing:
        aliases, versions = listings.aliases_and_versions(
            self._service.registry, prompt, before, limit, with_commits=with_commits
        )
        return Standing(tuple(aliases), tuple(versions))

    def versions(self, prompt: PromptId, revisions: Collection[int]) -> dict[int, ResolvedPrompt]:
        found = self._service.reader.find_revisions(prompt, revisions)
        return {one.view.revision: resolved(f"{prompt}:rev:{one.view.revision}", one) for one in found}

    def version(self, ref: str) -> ResolvedPrompt:
        return self._service.get(ref)

    def moves(
        self, prompt: PromptId | None = None, alias: str | None = None, cursor: str | None = None, limit: int = PAGE
    ) -> Listing[AliasEventView]:
        before, registry = _key_in(cursor, lambda key: number(key, 1)), self._service.registry
        if prompt is None:
            found = listings.list_all_moves(registry, _anyone, alias, before, limit + 1)
        else:
            found = listings.list_moves(registry, prompt, alias, before, limit + 1)
        part = _listing(found, limit, lambda numbered: numbered[0])
        return Listing(tuple(move for _, move in part.items), part.following)

    def blame(
        self, at: datetime | None = None, prompt: PromptId | None = None, cursor: str | None = None
    ) -> Listing[BlameEntry]:
        start = _key_in(cursor, lambda key: (time(key[0]), (typed(key[1], str), typed(key[2], str))))
        moment, after = start or (at or datetime.now(UTC), None)
        entries = self._service.blame(moment, None if prompt is None else str(prompt))
        found = sorted((entry for entry in entries if after is None or _name(entry) > after), key=_name)
        return _listing(found, PAGE, lambda entry: [moment.isoformat(), *_name(entry)])

    def runs(self, cursor: str | None = None, limit: int = PAGE) -> Listing[SyncRun]:
        before = _key_in(cursor, lambda key: number(key, 1, MAX_REVISION))
        return _listing(listings.list_runs(self._service.registry, before, limit + 1), limit, lambda run: run.id)

    def may_move(self, prompt: PromptId, alias: str) -> bool:  # noqa: ARG002
        return True

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
        wanted = RequestedMove(prompt, alias, "promote", Condition(expected), selector, reason, allow_breaking)
        return make_move(self._service.registry, wanted).move

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
        condition = Condition(expected)
        wanted = RequestedMove(
            prompt, alias, "split", condition, reason=reason, allow_breaking=allow_breaking, arms=arms
        )
        return make_move(self._service.registry, wanted).move

    def rollback(self, prompt: PromptId, alias: str, *, expected: Expected, reason: str | None) -> AliasMove:
        wanted = RequestedMove(prompt, alias, "rollback", Condition(expected), reason=reason)
        return make_move(self._service.registry, wanted).move


def _anyone(_: PromptId) -> bool:
    return True


def _name(entry: BlameEntry) -> tuple[str, str]:
    return str(entry.prompt), entry.alias


def _listing(found: Sequence[_T], limit: int, key_of: Callable[[_T], Any]) -> Listing[_T]:
    """Make a part of at most `limit` items. `found` has one more if the list goes on."""
    items = tuple(found[:limit])
    return Listing(items, json.dumps(key_of(items[-1])) if len(found) > limit else None)


def _key_in(cursor: str | None, read: Callable[[Any], _Key]) -> _Key | None:
    """Read the key in a cursor, which comes from the address of a page.

    Raises:
        InvalidRef: it is not one of this list.
    """
    if cursor is None:
        return None
    try:
        return read(json.loads(cursor))
    except (ValueError, TypeError, LookupError, Wrong, RecursionError) as error:
        raise InvalidRef("the address has a cursor that is not one of this list", "open the first page") from error
