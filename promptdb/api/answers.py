"""Keeps the answers to lookups as the bytes that go out."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from threading import Lock

from starlette.responses import Response

from promptdb.api.caching import ALIAS, PINNED, names, private
from promptdb.client.lookups import Lookups
from promptdb.domain.access import Grant
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import ByLabel, Latest, PromptRef
from promptdb.domain.views import AssetView, PromptVersionView, StoredVersion
from promptdb.domain.wire.versions import encode_version
from promptdb.registry.asset_rows import may_have_assets
from promptdb.registry.reader import RegistryReader

MAX_BYTES = 64 * 1024 * 1024
"""The most bytes of all kept answers. The one that was made first makes room."""

_Headers = list[tuple[bytes, bytes]]


class _Bytes(Response):
    """A response whose headers are encoded already."""

    def __init__(self, status: int, body: bytes, headers: _Headers) -> None:
        self.status_code, self.body, self.background = status, body, None
        self.raw_headers = headers.copy()


class Encoded:
    """The body of an answer with an ETag, and what caches may do with it."""

    def __init__(self, body: bytes, cache_control: str, media_type: str = "application/json") -> None:
        self.body = body
        # A digest of the body, because more than the spec of a version can change.
        self.etag = f'"{sha256(body).hexdigest()[:32]}"'
        content = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
        self._not_modified: dict[bool, _Headers] = {}
        self._headers: dict[bool, _Headers] = {}
        for is_private, caching in ((False, cache_control), (True, private(cache_control))):
            self._not_modified[is_private] = [(b"etag", self.etag.encode()), (b"cache-control", caching.encode())]
            self._headers[is_private] = [*self._not_modified[is_private], *content]

    def response(self, grant: Grant, if_none_match: str | None) -> Response:
        """Make the response, without the body if the client has it already."""
        is_private = grant.token_id != 0
        if if_none_match is not None and names(if_none_match, self.etag):
            return _Bytes(304, b"", self._not_modified[is_private])
        return _Bytes(200, self.body, self._headers[is_private])


class Answer(Encoded):
    """The answer to a lookup. A renamed prompt has another name than the one that was asked for."""

    def __init__(self, asked: PromptId, prompt: PromptId, body: bytes, cache_control: str) -> None:
        super().__init__(body, cache_control)
        self.asked, self.prompt = asked, prompt


class Answers:
    """The answers of one registry. Lookups know when one that can change is out of date."""

    def __init__(self, lookups: Lookups, reader: RegistryReader) -> None:
        self._lookups, self._reader = lookups, reader
        self._made: dict[str, tuple[Answer, PromptVersionView | None]] = {}
        self._size = 0
        self._lock = Lock()

    def at_hand(self, text: str) -> Answer | None:
        """Answer a reference from memory, or return None."""
        if (made := self._made.get(text)) is None:
            return None
        answer, version = made
        if version is None:
            return answer
        found = self._lookups.at_hand(text)
        return answer if found is not None and found.version is version else None

    def for_key(self, text: str, key: str) -> Answer:
        """Answer a reference for a key, whose answer is not kept: there are too many keys. Errors as in `fetch`."""
        ref = PromptRef.parse(text)
        if not isinstance(ref.selector, ByLabel):
            return self.at_hand(text) or self.fetch(text)
        found = self._lookups.at_hand(text) or self._lookups.fetch(text)
        arm = replace(found.stored().for_key(key), split=None, arms=())
        return Answer(ref.prompt, arm.view.prompt, encode_version(arm, files_of), ALIAS)

    def fetch(self, text: str) -> Answer:
        """Answer a reference, if need be from the database.

        Raises:
            InvalidRef: the text is not a reference.
            NotFound: there is no such prompt or version.
            StorageError: the database fails.
        """
        ref = PromptRef.parse(text)
        if isinstance(ref.selector, ByLabel | Latest):
            found = self._lookups.at_hand(text) or self._lookups.fetch(text)
            answer = Answer(ref.prompt, found.version.prompt, encode_version(found.stored(), files_of), ALIAS)
            return self._keep(text, answer, found.version)
        stored = self._reader.find(ref)
        made = partial(Answer, ref.prompt, stored.view.prompt, encode_version(stored, files_of))
        return self._keep(text, made(PINNED), None) if ref.is_pinned else made(ALIAS)

    def _keep(self, text: str, answer: Answer, version: PromptVersionView | None) -> Answer:
        with self._lock:
            if (former := self._made.pop(text, None)) is not None:
                self._size -= len(former[0].body)
            self._made[text] = answer, version
            self._size += len(answer.body)
            while self._size > MAX_BYTES:
                self._size -= len(self._made.pop(next(iter(self._made)))[0].body)
        return answer


def files_of(stored: StoredVersion) -> Sequence[AssetView]:
    """List the assets of a version. Most versions have none, which the spec says without a query."""
    return stored.assets.list() if stored.assets is not None and may_have_assets(stored.spec_json.encode()) else ()
