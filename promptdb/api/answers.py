"""Keeps the answers to lookups as the bytes that go out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from threading import Lock

from starlette.responses import Response

from promptdb.api.caching import ALIAS, PINNED, names
from promptdb.client.lookups import Lookups
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import ByLabel, Latest, PromptRef
from promptdb.domain.views import AssetView, PromptVersionView, StoredVersion
from promptdb.domain.wire.versions import encode_version
from promptdb.registry.reader import RegistryReader

MAX_BYTES = 64 * 1024 * 1024
"""The most bytes of all kept answers. The one that was made first makes room."""

_HAS_ASSETS = '"assets":[{'
"""In canonical JSON. Texts have a backslash before each quote."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an answer, the prompt in it, and what caches may do with it."""

    prompt: PromptId
    body: bytes
    etag: str
    cache_control: str

    def response(self, if_none_match: str | None = None) -> Response:
        headers = {"ETag": self.etag, "Cache-Control": self.cache_control}
        if if_none_match is not None and names(if_none_match, self.etag):
            return Response(status_code=304, headers=headers)
        return Response(self.body, headers=headers, media_type="application/json")


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
            stored = StoredVersion(found.version, found.spec_json, found.archived, found.alias, found.commit_id)
            answer = answer_of(found.version.prompt, encode_version(stored, found.assets), ALIAS)
            return self._keep(text, answer, found.version)
        stored = self._reader.find(ref)
        made = partial(answer_of, stored.view.prompt, encode_version(stored, files_of(stored)))
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


def answer_of(prompt: PromptId, body: bytes, cache_control: str) -> Answer:
    """Make an answer. Its ETag is a digest of the body, because more than the spec of a version can change."""
    return Answer(prompt, body, f'"{sha256(body).hexdigest()[:32]}"', cache_control)


def files_of(stored: StoredVersion) -> Sequence[AssetView]:
    """List the assets of a version. Most versions have none, which the spec says without a query."""
    return stored.assets.list() if stored.assets is not None and _HAS_ASSETS in stored.spec_json else ()
