"""The packs of a bucket: where a blob lies in one, and how one is written anew without some of its blobs."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from io import BytesIO
from threading import Lock

from promptdb.blobs.crew import each_in_threads
from promptdb.blobs.pack import END, LARGEST, Pack, Place, directory, pack_of
from promptdb.blobs.s3_bucket import Bucket, StoredObject
from promptdb.blobs.s3_streams import download, read_download
from promptdb.blobs.store import StoredBlob
from promptdb.domain.digest import Digest

_FOLDER = "packs/"
_KEY = re.compile(_FOLDER + r"[0-9a-f]{64}\.zip")
_THREADS = 8
_OFTEN, _MOST_HELD = 8, 16
"""Uses of a pack after which all of it is fetched, and how many are kept then: of 48 MiB at the most, and 32,000 bundles."""

_TRIES = 5
"""To read from a pack that is being written anew, again and again."""


@dataclass(frozen=True)
class _Known:
    """A pack whose directory was read; one that is damaged has no places."""

    object: StoredObject
    places: dict[Digest, Place]


class Packs:
    """Thread-safe. A pack never changes, so that its directory is read once."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._known: dict[str, _Known] = {}
        self._uses = Counter[str]()
        self._held: dict[str, bytes] = {}
        self._lock = Lock()

    def put(self, pack: Pack) -> None:
        """Also in place of an equal one: that one may be damaged."""
        key = _FOLDER + pack.name
        self._bucket.put(key, BytesIO(pack.data), len(pack.data))
        with self._lock:
            self._held.pop(key, None)
            self._known = {other: known for other, known in self._known.items() if other != key}

    def size(self, digest: Digest) -> int | None:
        """In bytes; None if no pack has such a blob."""
        return next((place.size for _, place in _places(self._refreshed(), digest)), None)

    def known(self, digest: Digest) -> Iterator[tuple[str, bytes]]:
        """What the packs that are known have as that blob: their keys, and the bytes."""
        yield from self._copies(self._known, digest)

    def find(self, digest: Digest) -> Iterator[tuple[str, bytes]]:
        """The same of all packs that there are."""
        for _ in range(_TRIES):
            known = self._refreshed()
            found = list(self._copies(known, digest))
            yield from found
            if len(found) == len(list(_places(known, digest))):
                return  # none was written anew under our hands

    def list(self) -> Iterator[StoredBlob]:
        """All that are in packs; one that is in several, once for each."""
        for known in self._refreshed().values():
            for digest, place in known.places.items():
                yield StoredBlob(digest, place.size, known.object.modified)

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
        source = download(self._bucket, key)
        if source is not None:  # else it is gone already
            data = read_download(source)
            self.put(pack_of({digest: places[digest].of(data) for digest in chosen}))

    def _copies(self, known: dict[str, _Known], digest: Digest) -> Iterator[tuple[str, bytes]]:
        for key, place in _places(known, digest):
            if (data := self._read(key, place)) is not None:
                yield key, data

    def _read(self, key: str, place: Place) -> bytes | None:
        """None if the pack is gone: a pack that was known may have been written anew."""
        if (whole := self._whole(key)) is not None:
            return place.of(whole)
        source = download(self._bucket, key, place.offset, place.size)
        return read_download(source) if source is not None else None

    def _whole(self, key: str) -> bytes | None:
        """All of a pack, from its `_OFTEN`-th use on, if there is room for it."""
        with self._lock:
            if key not in self._held:
                self._uses[key] += 1
                if self._uses[key] < _OFTEN or len(self._held) == _MOST_HELD:
                    return None
                if (source := download(self._bucket, key)) is None:
                    return None
                self._held[key] = read_download(source)
            return self._held[key]

    def _refreshed(self) -> dict[str, _Known]:
        with self._lock:
            there = {item.key: item for item in self._bucket.list(_FOLDER) if _is_pack(item)}
            known = {key: pack for key, pack in self._known.items() if key in there and pack.object == there[key]}
            new = [item for key, item in there.items() if key not in known]
            each_in_threads(lambda item, _: self._learn(item, known), new, _THREADS)
            self._known = dict(sorted(known.items()))
            self._held = {key: data for key, data in self._held.items() if key in there}
            return self._known

    def _learn(self, item: StoredObject, known: dict[str, _Known]) -> None:
        """Nothing of one that is damaged, or was removed just now."""
        start = max(0, item.size - END)
        source = download(self._bucket, item.key, start, item.size - start)
        end = read_download(source) if source is not None else b""
        known[item.key] = _Known(item, directory(end, item.size) or {})


def _is_pack(item: StoredObject) -> bool:
    return 0 < item.size < LARGEST and _KEY.fullmatch(item.key) is not None


def _places(known: dict[str, _Known], digest: Digest) -> Iterator[tuple[str, Place]]:
    return ((key, pack.places[digest]) for key, pack in known.items() if digest in pack.places)
