"""What a commit or the index holds: paths, and the bytes of their blobs, read in bulk and without a checkout."""

import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import BinaryIO, cast

from promptdb.errors import StorageError
from promptdb.git.repository import Repository, path_of, text

_CHUNK = 1024 * 1024
_STREAMING = (
    *("-c", "core.bigFileThreshold=1m"),
    *("-c", "core.packedGitWindowSize=8m", "-c", "core.packedGitLimit=32m"),
)
"""So that git takes neither a large blob nor the whole of a pack into memory."""

LINK = "120000"
SUBMODULE = "160000"
_INTENDED = frozenset(
    {
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    }
)
"""The empty blob, in SHA-1 and SHA-256: what `git add --intent-to-add` enters for a file that no commit would have."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file by the id of its blob, a link (its blob holds the target), or a submodule (the id of its commit)."""

    mode: str
    id: str


def entries_of_commit(repository: Repository, commit: str, *paths: str) -> dict[str, Entry]:
    """Path from the top -> entry, of all files in or below the paths; of a folder named `.`, of all there are.

    Raises:
        StorageError: there is no such commit, or git failed.
    """
    where = [path for path in paths if path != "."]
    found = {}
    for record in repository.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *where).split(b"\0"):
        if record:
            description, _, name = record.partition(b"\t")
            mode, _, blob = description.decode().split(" ")
            found[path_of(name)] = Entry(mode, blob)
    return found


def entries_of_index(repository: Repository, *paths: str) -> dict[str, Entry]:
    """The same of what would be committed now. Inside of a hook it is the index that git gave the hook.

    Raises:
        StorageError: a file has a conflict that is not resolved, or git failed.
    """
    found, conflicts = {}, set()
    for record in repository.run("ls-files", "--stage", "-z", "--", *paths).split(b"\0"):
        if record:
            description, _, name = record.partition(b"\t")
            mode, blob, stage = description.decode().split(" ")
            if stage != "0":
                conflicts.add(path_of(name))
            found[path_of(name)] = Entry(mode, blob)
    if conflicts:
        shown = ", ".join(sorted(conflicts)[:3]) + (" and more" if len(conflicts) > 3 else "")
        raise StorageError(f"the index has conflicts: {shown}", "resolve them, and 'git add' the files")
    if any(entry.id in _INTENDED for entry in found.values()):
        intended = repository.run("diff-files", "--name-only", "--diff-filter=A", "-z", "--", *paths).split(b"\0")
        found = {path: entry for path, entry in found.items() if path not in set(map(path_of, intended))}
    return found


def read_blobs(repository: Repository, ids: Collection[str], limit: int | None = None) -> dict[str, bytes]:
    """The bytes of blobs, by their ids. Those of more than `limit` bytes are left out, and so is what is not there.

    Raises:
        StorageError: git failed.
    """
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
        if len(header) == 3:  # else it is missing
            size = int(header[2])
            found[header[0].decode()] = output[start : start + size]
            start += size + 1
    return found


def blob_size(repository: Repository, blob: str) -> int | None:
    """The bytes of a blob; None where git does not have it.

    Raises:
        StorageError: git failed.
    """
    [row] = repository.run("cat-file", "--batch-check=%(objectname) %(objectsize)", lines=[blob]).splitlines()
    size = row.split()[1]
    return int(size) if size.isdigit() else None


def open_blob(repository: Repository, blob: str) -> BinaryIO:
    """A stream of the bytes of a blob, which takes little memory, here and in git.

    Raises:
        StorageError: git failed; by the stream as well, in place of its end.
    """
    return cast("BinaryIO", BufferedReader(_Output(repository.start(*_STREAMING, "cat-file", "blob", blob)), _CHUNK))


class _Output(RawIOBase):
    """What a process prints. Its end is reached only if it did not fail."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None  # noqa: S101  all three are pipes
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
            self._process.kill()  # of one that is done, nothing
            with self._process:  # closes the pipes and waits
                pass
        super().close()
