"""Reads single prompts from a snapshot, and checks what it reads.

The format:

    promptdb snapshot 1\\n
    length of the head (4 bytes), SHA-256 of what follows here: ed25519 signature (or zeros), the head as canonical JSON
    SHA-256 of each block of 4 KiB of the body. The head has the digest of this table, so that the head identifies the file.
    body: the offsets of the records in it (8 bytes each) and the offset of their end
          the records, sorted by the bytes of their names (`domain.snapshot.records`)
          the bytes of assets, sorted by digest

Numbers are big-endian. No time of writing is inside: equal states make equal bytes. A reader checks each block when it first
reads from it. Bytes come through a function, so that this module opens no file.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

from promptdb.domain.digest import digest_of
from promptdb.domain.json_fields import Wrong
from promptdb.domain.prompt_id import MAX_IDENTITY, PromptId
from promptdb.domain.snapshot.head import BLOCK, HEAD_AT, MAGIC, MAX_HEAD, OFFSET, UNSIGNED, Head
from promptdb.domain.snapshot.records import PromptRecord, decode_record
from promptdb.errors import ConfigError, IntegrityFailure

MAX_RECORD = 64 * 1024**2
"""Bytes."""

_ANY_VERSION = b"promptdb snapshot "
_SHA256 = 32
_KEPT = 2048
"""Blocks that a reader keeps: 8 MiB, the records of thousands of prompts."""

_AGAIN = "make it again with 'promptdb snapshot', or fetch an intact copy"

ReadAt = Callable[[int, int], bytes]
"""Reads a number of bytes from an offset on; fewer at the end of the file."""


def bytes_reader(data: bytes) -> ReadAt:
    return lambda start, count: data[start : start + count]


def read_head(read: ReadAt, name: str) -> tuple[Head, bytes, int]:
    """Read the head, its signature, and where it ends. Errors as in `Snapshot`."""
    start = read(0, HEAD_AT)
    if start.startswith(_ANY_VERSION) and not start.startswith(MAGIC):
        raise ConfigError(f"{name} is a snapshot of another version of the format", "make it with this promptdb")
    if not start.startswith(MAGIC) or len(start) < HEAD_AT:
        raise _refused(name, "it is not a snapshot")
    length, digest, signature = start[len(MAGIC) :][:4], start[len(MAGIC) + 4 :][:_SHA256], start[-len(UNSIGNED) :]
    size = int.from_bytes(length, "big")
    if size > MAX_HEAD:
        raise _refused(name, "its head is too large")
    data = read(HEAD_AT, size)
    if hashlib.sha256(signature + data).digest() != digest:
        raise _refused(name, "its head was cut or changed")
    try:
        return Head.decode(data), signature, HEAD_AT + size
    except Wrong as error:
        raise _refused(name, str(error)) from error


class Snapshot:
    """A snapshot to read from. Thread-safe.

    Args:
        read: gives its bytes, and raises StorageError if it cannot.
        length: of the whole file in bytes.
        name: for messages.

    Raises:
        IntegrityFailure: the bytes are not a whole snapshot. The table of digests is checked, its blocks when they are read.
        ConfigError: another release of promptdb wrote it.
        StorageError: from `read`.
    """

    def __init__(self, read: ReadAt, length: int, name: str) -> None:
        self.name, self._read = name, read
        self.head, self.signature, table_at = read_head(read, name)
        self._start = table_at + self.head.blocks_count * _SHA256
        if length != self._start + self.head.size:
            cut = "it was cut" if length < self._start + self.head.size else "it is too long"
            raise self._refused(f"{cut}: {length:,} bytes instead of {self._start + self.head.size:,}")
        table = read(table_at, self._start - table_at)
        if digest_of(table) != self.head.blocks:
            raise self._refused("the table of its digests was changed")
        # Without `self`: a circle of references would keep a file open that was replaced.
        self._checked = partial(
            _checked_block, read, self._start, self.head.size, table, self._refused("it was changed")
        )
        self._block = lru_cache(_KEPT)(self._checked)

    # Prompts

    def find(self, prompt: PromptId) -> PromptRecord | None:
        """Find a prompt by its name or an earlier one. Raise IntegrityFailure if its record is damaged."""
        found = self._find(str(prompt))
        if isinstance(found, PromptId):
            found = self._find(str(found))
            if not isinstance(found, PromptRecord):
                raise self._refused(f"an earlier name of {prompt} leads nowhere")
        return found

    def prompts(self) -> Iterator[PromptRecord]:
        """Yield all prompts, sorted by name. Errors as in `find`."""
        for number in range(self.head.names):
            found = self._record(number)
            if isinstance(found, PromptRecord):
                yield found

    def names_near(self, prompt: PromptId, count: int = 8) -> list[str]:
        """List the names that are next to this one in the order of names."""
        at = self._position(str(prompt).encode())
        numbers = range(max(0, at - count), min(self.head.names, at + count))
        return [self._name(number).decode("ascii", "replace") for number in numbers]

    def _find(self, name: str) -> PromptRecord | PromptId | None:
        data = name.encode()
        number = self._position(data)
        if number == self.head.names or self._name(number) != data:
            return None
        return self._record(number)

    def _position(self, name: bytes) -> int:
        return bisect_left(range(self.head.names), name, key=self._name)

    def _record(self, number: int) -> PromptRecord | PromptId:
        start, end = self._bounds(number)
        try:
            return decode_record(self._bytes(start, end))
        except Wrong as error:
            raise self._refused(f"record {number}: {error}") from error

    def _name(self, number: int) -> bytes:
        start, end = self._bounds(number)
        return self._bytes(start, min(end, start + MAX_IDENTITY + 1)).partition(b"\n")[0]

    def _bounds(self, number: int) -> tuple[int, int]:
        start, end = self._offset(number), self._offset(number + 1)
        first = (self.head.names + 1) * OFFSET
        if not (first <= start < end <= self.head.size and end - start <= MAX_RECORD):
            raise self._refused(f"record {number} has a wrong place")
        return start, end

    def _offset(self, number: int) -> int:
        # Offsets never cross the end of a block.
        block, at = divmod(number * OFFSET, BLOCK)
        return int.from_bytes(self._block(block)[at : at + OFFSET], "big")

    # Bytes

    def _bytes(self, start: int, end: int) -> bytes:
        first, last = start // BLOCK, (end - 1) // BLOCK
        data = self._block(first) if first == last else b"".join(map(self._block, range(first, last + 1)))
        return data[start - first * BLOCK : end - first * BLOCK]

    def asset_bytes(self, at: int, start: int, end: int) -> bytes:
        """Read a part of the asset that begins at `at` behind the records, from `start` up to `end`."""
        place = self._offset(self.head.names) + at
        if not 0 <= place + start <= place + end <= self.head.size:
            raise self._refused("an asset has a wrong place")
        if start == end:
            return b""
        first, last = (place + start) // BLOCK, (place + end - 1) // BLOCK
        # Past the kept blocks, which are for records.
        data = b"".join(map(self._checked, range(first, last + 1)))
        return data[place + start - first * BLOCK : place + end - first * BLOCK]

    def verify_bytes(self) -> None:
        """Compare all bytes with their digests. Raise IntegrityFailure if they were changed."""
        for number in range(self.head.blocks_count):
            self._checked(number)

    def verify(self) -> None:
        """Read everything, and check what a reader relies on.

        Raises:
            IntegrityFailure: the file is damaged, or promptdb did not write it.
        """
        self.verify_bytes()
        before, prompts, versions = b"", 0, 0
        for number in range(self.head.names):
            name, record = self._name(number), self._record(number)
            if name <= before:
                raise self._refused(f"record {number} is not in the order of names")
            before = name
            if isinstance(record, PromptId):
                if not isinstance(self._find(str(record)), PromptRecord):
                    raise self._refused(f"an earlier name of {record} leads nowhere")
                continue
            prompts, versions = prompts + 1, versions + len(record.versions)
            self._verify_assets(record)
        if (prompts, versions) != (self.head.prompts, self.head.versions):
            raise self._refused("it has not as many prompts and versions as its head says")

    def _verify_assets(self, record: PromptRecord) -> None:
        for asset in (asset for version in record.versions for asset in version.assets):
            if (asset.at is None) == self.head.with_assets:
                raise self._refused(f"an asset of {record.prompt} is not where its head says")
            if asset.at is not None:
                found, size = hashlib.sha256(), asset.view.byte_size
                for start in range(0, size, 256 * BLOCK):
                    found.update(self.asset_bytes(asset.at, start, min(size, start + 256 * BLOCK)))
                if found.hexdigest() != asset.view.checksum_sha256:
                    raise self._refused(f"an asset of {record.prompt} does not have its digest")

    def _refused(self, reason: str) -> IntegrityFailure:
        return _refused(self.name, reason)


def _refused(name: str, reason: str) -> IntegrityFailure:
    return IntegrityFailure(f"the snapshot {name} is refused: {reason}", _AGAIN)


def _checked_block(read: ReadAt, start: int, size: int, table: bytes, changed: IntegrityFailure, number: int) -> bytes:
    data = read(start + number * BLOCK, min(BLOCK, size - number * BLOCK))
    if hashlib.sha256(data).digest() != table[number * _SHA256 : (number + 1) * _SHA256]:
        raise IntegrityFailure(changed.message, changed.hint)
    return data
