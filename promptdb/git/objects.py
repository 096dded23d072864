"""Reads the files of a commit or of the index in bulk, without a checkout."""

import os
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import BinaryIO, cast

from promptdb.errors import StorageError
from promptdb.git.repository import Repository, text

_CHUNK = 1024 * 1024
_STREAMING = (
    *("-c", "core.bigFileThreshold=1m"),
    *("-c", "core.packedGitWindowSize=8m", "-c", "core.packedGitLimit=32m"),
)
"""Settings that keep large blobs and whole packs out of the memory of git."""

LINK = "120000"
SUBMODULE = "160000"
_INTENDED = frozenset(
    {
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    }
)
"""The ids of the empty blob in SHA-1 and SHA-256, which `git add --intent-to-add` enters for a file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a link by the id of its blob, or a submodule by the id of its commit. The blob of a link is its target."""

    mode: str
    id: str


def entries_of_commit(repository: Repository, commit: str, *paths: str) -> dict[str, Entry]:
    """Map each file in or below the paths to its entry. All paths start at the top, and `.` is everything."""
    where = [path for path in paths if path != "."]
    found = {}
    for record in repository.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *where).split(b"\0"):
        if record:
            description, _, name = record.partition(b"\t")
            mode, _, blob = description.decode().split(" ")
            found[os.fsdecode(name)] = Entry(mode, blob)
    return found


def entries_of_index(repository: Repository, *paths: str) -> dict[str, Entry]:
    """Map each file in or below the paths to its entry in the index. In a hook, that is the index of the hook.

    Raises:
        StorageError: a file has an unresolved conflict.
    """
    found, conflicts = {}, set()
    for record in repository.run("ls-files", "--stage", "-z", "--", *paths).split(b"\0"):
        if record:
            description, _, name = record.partition(b"\t")
            mode, blob, stage = description.decode().split(" ")
            if stage != "0":
                conflicts.add(os.fsdecode(name))
            found[os.fsdecode(name)] = Entry(mode, blob)
    if conflicts:
        shown = ", ".join(sorted(conflicts)[:3]) + (" and more" if len(conflicts) > 3 else "")
        raise StorageError(f"the index has conflicts: {shown}", "resolve them, and 'git add' the files")
    if any(entry.id in _INTENDED for entry in found.values()):
        intended = repository.run("diff-files", "--name-only", "--diff-filter=A", "-z", "--", *paths).split(b"\0")
        found = {path: entry for path, entry in found.items() if path not in set(map(os.fsdecode, intended))}
    return found


def read_blobs(repository: Repository, ids: Collection[str], limit: int | None = None) -> dict[str, bytes]:
    """Read blobs by their ids, without missing ones and those of more than `limit` bytes."""
    wanted = list(dict.fromkeys(ids))
    if limit is not None and wanted:
        sizes = repository.run("cat-file", "--batch-check=%(objectname) %(objectsize)", lines=wanted)
        rows = [line.split() for line in sizes.decode().splitlines()]
        wanted = [blob for blob, size in rows if size.isdigit() and int(size) <= limit]
    output = repository.run("cat-file", "--batch", lines=wanted) if wanted else b""
    found, start = {}, 0
    while start < len(output):
        end = output.index(b"\n", start)
        header = output[start:end].split()
        start = end + 1
        # The header of a missing blob is shorter.
        if len(header) == 3:
            size = int(header[2])
            found[header[0].decode()] = output[start : start + size]
            start += size + 1
    return found


def blob_size(repository: Repository, blob: str) -> int | None:
    """Return the size of a blob in bytes, or None if git does not have it."""
    [row] = repository.run("cat-file", "--batch-check=%(objectname) %(objectsize)", lines=[blob]).splitlines()
    size = row.split()[1]
    return int(size) if size.isdigit() else None


def open_blob(repository: Repository, blob: str) -> BinaryIO:
    """Open a stream of a blob that takes little memory. It raises `StorageError` instead of its end if git fails."""
    return cast("BinaryIO", BufferedReader(_Output(repository.start(*_STREAMING, "cat-file", "blob", blob)), _CHUNK))


class _Output(RawIOBase):
    """The output of a process. The end raises an error if the process failed."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        # Repository.start makes pipes of all three.
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        process.stdin.close()
        self._process, self._output = process, process.stdout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what RawIOBase gives is a memoryview
        count = self._output.readinto(buffer)  # type: ignore[attr-defined]  # pipes have it
        if count == 0 and len(buffer) and self._process.wait() != 0:
            reason = self._process.stderr.read() if self._process.stderr is not None else b""
            raise StorageError(f"git cannot read a blob: {text(reason).strip() or 'it was stopped'}", "run 'git fsck'")
        return int(count)

    def close(self) -> None:
        if not self.closed:
            self._process.kill()
            # Closes the pipes and waits.
            with self._process:
                pass
        super().close()
