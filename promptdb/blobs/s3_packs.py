"""The packs of a bucket: where a blob lies in one, and how one is written anew without some of its blobs."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from threading import Lock

from urllib3 import BaseHTTPResponse

from promptdb.blobs.crew import each_in_threads
from promptdb.blobs.pack import END, Pack, Place, directory, pack_of
from promptdb.blobs.s3_bucket import Answered, Bucket, StoredObject
from promptdb.blobs.s3_streams import ResumedDownload, read_download
from promptdb.blobs.store import StoredBlob
from promptdb.domain.digest import Digest

_FOLDER = "packs/"
_KEY = re.compile(_FOLDER + r"[0-9a-f]{64}\.zip")
_THREADS = 8
_TRIES = 5
"""To read from a pack that is being written anew, again and again."""


@dataclass(frozen=True)
class _Known:
    """A pack whose directory was read; one that is damaged has no places, until it is put once more."""

    modified: datetime
    places: dict[Digest, Place]


class Packs:
    """Thread-safe. A pack never changes, so that its directory is read once."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._known: dict[str, _Known] = {}
        self._lock = Lock()

    def put(self, pack: Pack) -> None:
        """Also in place of an equal one: that one may be damaged."""
        self._bucket.put(_FOLDER + pack.name, BytesIO(pack.data), len(pack.data))

    def size(self, digest: Digest) -> int | None:
        """In bytes; None if no pack has such a blob."""
        found = _place(self._refreshed(), digest)
        return found[1].size if found is not None else None

    def find(self, digest: Digest) -> Answered | None:
        """None if no pack has such a blob."""
        for _ in range(_TRIES):
            if _place(self._refreshed(), digest) is None:
                return None
            if (found := self.known(digest)) is not None:
                return found
        return None

    def known(self, digest: Digest) -> Answered | None:
        """The same without a look at which packs there are now."""
        found = _place(self._known, digest)
        if found is None:
            return None
        key, place = found
        ask = partial(self._ask, key, place)
        answer = ask(0)
        return Answered(key, ask, answer) if answer is not None else None

    def list(self) -> Iterator[StoredBlob]:
        """All that are in packs; some, it may be, in several."""
        for known in self._refreshed().values():
            for digest, place in known.places.items():
                yield StoredBlob(digest, place.size, known.modified)

    def delete(self, digests: Collection[Digest]) -> None:
        """A pack that has other blobs too is written anew with those, before it is removed."""
        wanted = frozenset(digests)
        concerned = {key: pack for key, pack in self._refreshed().items() if not wanted.isdisjoint(pack.places)}
        for key, pack in concerned.items():
            if left := pack.places.keys() - wanted:
                self._put_some(key, pack.places, left)
        if concerned:
            self._bucket.delete(concerned)
            self._refreshed()

    def _put_some(self, key: str, places: dict[Digest, Place], chosen: Collection[Digest]) -> None:
        answer = self._bucket.get(key)
        if answer is None:
            return  # it is gone already
        data = read_download(ResumedDownload(self._bucket.address, partial(self._bucket.get, key), answer))
        parts = {digest: data[places[digest].offset :][: places[digest].size] for digest in chosen}
        self.put(pack_of(parts))

    def _ask(self, key: str, place: Place, offset: int) -> BaseHTTPResponse | None:
        return self._bucket.get(key, place.offset + offset, place.size - offset)

    def _refreshed(self) -> dict[str, _Known]:
        with self._lock:
            there = {item.key: item for item in self._bucket.list(_FOLDER) if _KEY.fullmatch(item.key)}
            known = {key: pack for key, pack in self._known.items() if key in there and pack.places}
            new = [item for key, item in there.items() if key not in known]
            each_in_threads(lambda item, _: self._learn(item, known), new, _THREADS)
            self._known = known
            return known

    def _learn(self, item: StoredObject, known: dict[str, _Known]) -> None:
        """Nothing of one that is damaged, or was removed just now."""
        start, end = max(0, item.size - END), b""
        ask = partial(self._ask, item.key, Place(start, item.size - start))
        if item.size and (answer := ask(0)) is not None:
            end = read_download(ResumedDownload(self._bucket.address, ask, answer))
        known[item.key] = _Known(item.modified, directory(end, item.size) or {})


def _place(known: dict[str, _Known], digest: Digest) -> tuple[str, Place] | None:
    for key, pack in known.items():
        if (place := pack.places.get(digest)) is not None:
            return key, place
    return None
