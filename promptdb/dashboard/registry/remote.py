"""A registry behind the HTTP API, with the rights of one person's token."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, TypeVar

from promptdb.client.sources.http import HttpSource
from promptdb.client.sources.http_connection import MANY, Address, Connection
from promptdb.dashboard.registry.protocol import PAGE, Listing, News, Standing
from promptdb.domain.alias_condition import Expected
from promptdb.domain.aliases import AliasMove
from promptdb.domain.json_fields import Wrong, some_fields, typed
from promptdb.domain.listing import Behind, ListedPrompt, PromptFilter, SyncRun
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef
from promptdb.domain.scopes import Action, Scope, allows
from promptdb.domain.splits import Arms, split_fields
from promptdb.domain.views import AliasEventView, BlameEntry
from promptdb.domain.wire import listings
from promptdb.domain.wire.paths import prompt_path
from promptdb.errors import ConfigError, Forbidden, PromptDBError
from promptdb.render.resolved import ResolvedPrompt, resolved
from promptdb.settings import AppSettings

_T = TypeVar("_T")
_SOCKETS = 4


class RemoteRegistry:
    """The registry of a server.

    Args:
        settings: name the server, and the token if there is one.

    Raises:
        ConfigError: the settings name no server.
    """

    def __init__(self, settings: AppSettings) -> None:
        if settings.url is None:
            raise ConfigError("no server is named", "set PROMPTDB_URL")
        self.place = settings.url
        self._server = Connection(Address.of(settings.url, settings.api_prefix, settings.token), _SOCKETS)
        self._source = HttpSource(settings)

    def close(self) -> None:
        """Close the connections."""
        self._source.close()
        self._server.close()

    def prompts(self, wanted: PromptFilter, cursor: str | None = None) -> Listing[ListedPrompt]:
        query = {
            "namespace": wanted.namespace,
            "tag": wanted.tag,
            "owner": wanted.owner,
            "q": wanted.text,
            "fragment": wanted.fragment,
            "behind": wanted.behind,
            "archived": "true" if wanted.archived else None,
        }
        return self._listing("/prompts", listings.decode_prompt, query, cursor, PAGE)

    def behind(self, alias: str, limit: int) -> list[Behind]:
        listed = [one.summary for one in self.prompts(PromptFilter(behind=alias)).items[:limit]]
        pairs = [(f"{one.prompt}:rev:{one.aliases[alias]}", f"{one.prompt}:rev:{one.revision}") for one in listed]
        found = self._source.find_many([PromptRef.parse(ref) for pair in pairs for ref in pair])
        versions = []
        for one in found:
            if isinstance(one, PromptDBError):
                raise one
            versions.append(one)
        return [
            Behind(*(newest.view.prompt, there.view.revision, newest.view.revision), there.spec_json, newest.spec_json)
            for there, newest in zip(versions[::2], versions[1::2], strict=True)
        ]

    def news(self, alias: str, behind: int, moves: int, runs: int) -> News:
        try:
            syncs = self.runs(limit=runs).items
        except Forbidden:
            # Syncs concern all namespaces.
            syncs = None
        return News(tuple(self.behind(alias, behind)), self.moves(limit=moves).items, syncs)

    def prompt(self, prompt: PromptId) -> ListedPrompt:
        def read(found: Any) -> ListedPrompt:
            aliases = listings.decode_aliases(prompt, some_fields(found, aliases=list)[0])
            pointing = {alias.alias: alias.revision for alias in aliases}
            splits = {alias.alias: split_fields(alias.split) for alias in aliases if alias.split is not None}
            return listings.decode_prompt({**found, "aliases": pointing, "splits": splits})

        return self._read(read, self._server.get(_path(prompt)))

    def standing(
        self,
        prompt: PromptId,
        before: int | None = None,
        limit: int = PAGE,
        *,
        with_commits: bool = True,  # noqa: ARG002
    ) -> Standing:
        found = self._server.get(_path(prompt))
        aliases = self._read(lambda data: listings.decode_aliases(prompt, some_fields(data, aliases=list)[0]), found)
        if not limit:
            return Standing(aliases, ())
        path, query = f"{_path(prompt)}/versions", {"below": before}
        return Standing(aliases, self._listing(path, listings.decode_version_entry, query, None, limit).items)

    def versions(self, prompt: PromptId, revisions: Collection[int]) -> dict[int, ResolvedPrompt]:
        refs = [f"{prompt}:rev:{revision}" for revision in revisions]
        answers = zip(refs, self._source.find_many(list(map(PromptRef.parse, refs))), strict=True)
        found = {ref: answer for ref, answer in answers if not isinstance(answer, PromptDBError)}
        return {one.view.revision: resolved(ref, one, source="http") for ref, one in found.items()}

    def version(self, ref: str) -> ResolvedPrompt:
        return resolved(ref, self._source.find(PromptRef.parse(ref)), source="http")

    def moves(
        self, prompt: PromptId | None = None, alias: str | None = None, cursor: str | None = None, limit: int = PAGE
    ) -> Listing[AliasEventView]:
        path = "/history" if prompt is None else f"{_path(prompt)}/history"
        return self._listing(path, listings.decode_move, {"alias": alias}, cursor, limit)

    def blame(
        self, at: datetime | None = None, prompt: PromptId | None = None, cursor: str | None = None
    ) -> Listing[BlameEntry]:
        query = {"at": at and at.isoformat(), "prompt": prompt and str(prompt)}
        return self._listing("/blame", listings.decode_blame, query, cursor, PAGE)

    def runs(self, cursor: str | None = None, limit: int = PAGE) -> Listing[SyncRun]:
        return self._listing("/sync-runs", listings.decode_run, {}, cursor, limit)

    def may_move(self, prompt: PromptId, alias: str) -> bool:
        return allows(self._read(_scopes, self._server.get("/me")), Action.PROMOTE, prompt, alias)

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
        body = {"selector": selector, "reason": reason, "allow_breaking": allow_breaking, **_condition(expected)}
        return self._move("PUT", f"{_path(prompt)}/aliases/{alias}", body)

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
        named = [{"selector": selector, "weight": weight} for selector, weight in arms]
        body = {"arms": named, "reason": reason, "allow_breaking": allow_breaking, **_condition(expected)}
        return self._move("PUT", f"{_path(prompt)}/aliases/{alias}/split", body)

    def rollback(self, prompt: PromptId, alias: str, *, expected: Expected, reason: str | None) -> AliasMove:
        body = {"reason": reason, **_condition(expected)}
        return self._move("POST", f"{_path(prompt)}/aliases/{alias}/rollback", body)

    def _move(self, method: str, path: str, body: dict[str, Any]) -> AliasMove:
        return self._read(listings.decode_made_move, self._server.change(method, path, body))

    def _listing(
        self, path: str, decode: Callable[[Any], _T], query: dict[str, Any], cursor: str | None, limit: int
    ) -> Listing[_T]:
        def read(data: Any) -> Listing[_T]:
            items, following = some_fields(data, items=list, next=(str, type(None)))
            return Listing(tuple(map(decode, items)), following)

        return self._read(read, self._server.get(path, {**query, "cursor": cursor, "limit": limit}, MANY))

    def _read(self, decode: Callable[[Any], _T], data: Any) -> _T:
        try:
            return decode(data)
        except Wrong as error:
            raise self._server.broken(str(error)) from error


def _path(prompt: PromptId) -> str:
    return f"/prompts/{prompt_path(prompt)}"


def _condition(expected: Expected) -> dict[str, int | None]:
    return {} if expected == "any" else {"expected": expected}


def _scopes(data: Any) -> list[Scope]:
    try:
        return [Scope.parse(typed(text, str)) for text in some_fields(data, scopes=list)[0]]
    except ConfigError as error:
        raise Wrong(error.message) from error
