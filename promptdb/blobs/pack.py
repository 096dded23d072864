"""Many small blobs in one object: a zip without compression, in which each has the name of its own key.

A server takes about as long for one small object as for a large one. So bundles, of which a first sync makes thousands, go up
together. Unpacked, a pack is the folder of a local store.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from promptdb.blobs.members import new_member
from promptdb.blobs.store import Blob, digest_of_key, object_key
from promptdb.domain.digest import Digest

FEW = 250
"""Blobs: fewer are objects of their own, which take a second at the most and are found without a look into packs."""

END = 256 * 1024
"""Bytes: the end of a pack, in which all of its directory is, since that has 117 for each blob."""

MAX_BLOBS = 2000

MAX_BYTES = 2 * 1024 * 1024
"""Of the blobs in a pack: a few packs are in memory at a time."""

MAX_BLOB = 64 * 1024
"""Bytes of a blob that goes into one."""

LARGEST = 4 * 1024 * 1024
"""Bytes that no pack reaches, names and all."""

_LOCAL_HEADER = 30
"""Bytes before the name of an entry (APPNOTE.TXT of the zip format, 4.3.7); ours have no extra field after it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bytes of a blob lie in a pack."""

    offset: int
    size: int

    def of(self, data: bytes) -> bytes:
        """The bytes there, of all bytes of the pack."""
        return data[self.offset : self.offset + self.size]


@dataclass(frozen=True)
class Pack:
    """Some blobs, and the bytes of the zip that they make."""

    data: bytes
    count: int

    @property
    def name(self) -> str:
        """Equal blobs make equal packs."""
        return f"{hashlib.sha256(self.data).hexdigest()}.zip"


def pack_of(blobs: Mapping[Digest, bytes]) -> Pack:
    target = BytesIO()
    with ZipFile(target, "w") as archive:
        for digest, data in sorted(blobs.items()):
            archive.writestr(new_member(object_key(digest)), data)
    return Pack(target.getvalue(), len(blobs))


def directory(end: bytes, size: int) -> dict[Digest, Place] | None:
    """What is in a pack; None if that cannot be read. Entries that are no blobs in it are passed over.

    Args:
        end: its last bytes, or all of it.
        size: how many bytes it has in all.
    """
    try:
        with ZipFile(BytesIO(end)) as archive:
            entries = archive.infolist()
    except (BadZipFile, ValueError, EOFError, NotImplementedError):
        return None
    cut = size - len(end)  # zipfile counts from the beginning of what it sees
    found = {}
    for entry in entries:
        digest = digest_of_key(entry.filename)
        offset = cut + entry.header_offset + _LOCAL_HEADER + len(entry.filename)
        if digest is not None and entry.file_size > 0 and 0 < offset <= size - entry.file_size:
            found[digest] = Place(offset, entry.file_size)
    return found


def packed(blobs: Iterable[Blob], read: Callable[[Blob], bytes]) -> Iterator[Blob | Pack]:
    """Put blobs together as they come, those that may be: what is not in a pack is given as it is.

    Args:
        blobs: each once.
        read: gives the bytes of one that is to be packed.
    """
    waiting, size = dict[Digest, bytes](), 0
    for blob in blobs:
        if not (blob.packable and 0 < blob.size <= MAX_BLOB):
            yield blob
            continue
        waiting[blob.digest] = read(blob)
        size += blob.size
        if len(waiting) == MAX_BLOBS or size >= MAX_BYTES:
            yield pack_of(waiting)
            waiting, size = {}, 0
    if len(waiting) >= FEW:
        yield pack_of(waiting)
    else:
        yield from map(Blob.of, waiting.values())
