"""Reads prompts from the HTTP API of a server."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import RawIOBase
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from promptdb.client.sources import http_connection
from promptdb.client.sources.http_connection import MANY, Address, Connection
from promptdb.client.sources.http_events import Watch
from promptdb.domain.delivery import Changes, Generation
from promptdb.domain.digest import Digest
from promptdb.domain.json_fields import Wrong, some_fields, typed
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef
from promptdb.domain.views import AssetView, PromptVersionView, StoredVersion
from promptdb.domain.wire.changes import decode_changes, generation_text
from promptdb.domain.wire.paths import prompt_path
from promptdb.domain.wire.problem import error_of
from promptdb.domain.wire.versions import decode_version, decode_view
from promptdb.errors import ConfigError, Forbidden, IntegrityFailure, PromptDBError, StorageError
from promptdb.settings import AppSettings, load_settings
from promptdb.streams import checked

_T = TypeVar("_T")

AT_ONCE = 1000
"""The most references in one request."""

MAX_PAGES = 1000
SOCKETS = 8


class HttpSource:
    """The HTTP API of a server. A stream of events reports changes; see `Watch`.

    Args:
        settings: name the server; by default those of the current folder.

    Raises:
        ConfigError: a setting is missing or wrong.
    """

    name = "http"
    is_at_hand = False

    def __init__(self, settings: AppSettings | None = None) -> None:
        self._settings = settings or load_settings()
        if self._settings.url is None:
            raise ConfigError("the source is http, but no server is named", "set PROMPTDB_URL")
        self._at = Address.of(self._settings.url, self._settings.api_prefix, self._settings.token)
        self._connect()

    def _connect(self) -> None:
        self._server = Connection(self._at, SOCKETS)
        # Its own, so that to end the stream leaves lookups alone.
        self._watch = Watch(Connection(self._at, 1))

    def find(self, ref: PromptRef) -> StoredVersion:
        """Find a version.

        Raises:
            NotFound: there is no such prompt or version. Message and hint are those of the server.
            Forbidden: the token may not read this prompt.
            ConfigError: the server does not accept the token.
            StorageError: the server cannot be reached, or fails.
        """
        if not ref.is_pinned:
            # From the registry itself: a cache on the way, or another process of the server, may not know of the last change.
            (found,) = self._several([ref.text], http_connection.ANSWER)
            if isinstance(found, PromptDBError):
                raise found
            return found
        selector = ref.text.partition(":")[2]
        answer = self._server.get(f"/prompts/{prompt_path(ref.prompt)}/resolve", {"selector": selector})
        return self._read(self._stored, answer)

    def find_many(self, refs: Sequence[PromptRef]) -> list[StoredVersion | PromptDBError]:
        found: list[StoredVersion | PromptDBError] = []
        for start in range(0, len(refs), AT_ONCE):
            found += self._several([ref.text for ref in refs[start : start + AT_ONCE]], MANY)
        return found

    def find_all(self, alias: str, namespace: str | None) -> list[StoredVersion]:
        answer = self._server.post("/preload", {"alias": alias, "namespace": namespace})
        return self._read(lambda data: [self._stored(item) for item in some_fields(data, versions=list)[0]], answer)

    def changes(self, since: Generation | None) -> Changes:
        query = {"since": None if since is None else generation_text(since)}
        try:
            return self._read(decode_changes, self._server.get("/changes", query))
        except Forbidden as error:
            # Not about one prompt.
            raise ConfigError(error.message, error.hint) from error

    def wait(self, since: Generation | None, seconds: float, stopped: Callable[[], bool]) -> None:
        self._watch.wait(since, seconds, stopped)

    def list_versions(self, prompt: str, limit: int | None = None) -> list[PromptVersionView]:
        path = f"/prompts/{prompt_path(PromptId.parse(prompt))}/versions"
        found: list[PromptVersionView] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = self._server.get(path, {"cursor": cursor})
            views, cursor = self._read(_page, page)
            found += views
            if cursor is None or (limit is not None and len(found) >= limit):
                return found[:limit]
        raise self._server.broken(f"a list has more than {MAX_PAGES} pages")

    def after_fork(self) -> None:
        # The parent's sockets are dropped without a word to the server.
        self._connect()

    def close(self) -> None:
        self._watch.close()
        self._server.close()

    def _several(self, texts: list[str], seconds: float) -> list[StoredVersion | PromptDBError]:
        answer = self._server.post("/preload", {"refs": texts}, seconds)
        return self._read(partial(self._answers, texts), answer)

    def _read(self, decode: Callable[[Any], _T], data: Any) -> _T:
        try:
            return decode(data)
        except Wrong as error:
            raise self._server.broken(str(error)) from error

    def _stored(self, data: Any) -> StoredVersion:
        return decode_version(data, lambda view, files: _Assets(self, view, files))

    def _answers(self, texts: list[str], data: Any) -> list[StoredVersion | PromptDBError]:
        items = some_fields(data, answers=list)[0]
        if [typed(item, dict).get("ref") for item in items] != texts:
            raise Wrong("its answers are not those to the references")
        return [self._stored(item["version"]) if "version" in item else _problem(item) for item in items]

    def open_asset(self, version: PromptVersionView, asset: AssetView) -> BinaryIO:
        """Open a file of a version. The stream checks its digest."""
        path = f"/prompts/{prompt_path(version.prompt)}/assets/{quote(asset.path or '', errors='surrogateescape')}"
        # The server may be busy with its own store.
        answer = self._server.opened("GET", path, {"selector": str(version.id)}, seconds=30.0, accept="*/*")
        changed = IntegrityFailure(f"{self._server.name}: the bytes of {asset.path!r} do not have their digest")
        return checked(_Body(answer, asset.byte_size, self._server.failure), asset.digest, lambda: changed)


def _problem(item: Any) -> PromptDBError:
    error = error_of(typed(item.get("problem"), dict))
    if error is None:
        raise Wrong("an answer has a problem of an unknown kind")
    if isinstance(error, Forbidden):
        return Forbidden(error.message, "set PROMPTDB_TOKEN to a token that may read this prompt")
    return error


def _page(data: Any) -> tuple[list[PromptVersionView], str | None]:
    items, cursor = some_fields(data, items=list, next=(str, type(None)))
    return [decode_view(item) for item in items], cursor


# Assets


@dataclass(frozen=True)
class _Assets:
    source: HttpSource
    version: PromptVersionView
    files: tuple[AssetView, ...]

    def list(self) -> Sequence[AssetView]:
        return self.files

    def open(self, digest: Digest) -> BinaryIO:
        found = next((asset for asset in self.files if asset.digest == digest), None)
        if found is None:
            raise StorageError(f"the server did not list the asset {digest} of {self.version}", "see its log")
        return self.source.open_asset(self.version, found)


class _Body(RawIOBase):
    """The body of an answer, up to one byte more than it should have."""

    def __init__(self, answer: BaseHTTPResponse, size: int, failure: Callable[[HTTPError], PromptDBError]) -> None:
        self._answer, self._left, self._failure = answer, size + 1, failure

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # as `checked` calls it
        try:
            data = self._answer.read1(min(len(buffer), self._left), decode_content=False) if self._left else b""
        except HTTPError as error:
            raise self._failure(error) from error
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._answer.close()
        super().close()
