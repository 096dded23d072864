"""Writes to the index: several entries at once, or none."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from promptdb.git.objects import Entry
from promptdb.git.repository import Repository


def write_blob(repository: Repository, data: bytes) -> str:
    """Store bytes without conversion, and return the id of the blob."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "blob")
        file.write_bytes(data)
        return repository.run("hash-object", "-w", "--no-filters", "--", str(file)).decode().strip()


def write_entries(repository: Repository, entries: Mapping[str, Entry | None]) -> None:
    """Set entries of the index by their paths from the top. None removes a path. The work tree stays as it is.

    Nothing has changed if this raises, for example because another git process holds the index.
    """
    command = ["update-index", "--add"]
    for path, entry in entries.items():
        if entry is not None:
            command += ["--cacheinfo", f"{entry.mode},{entry.id},{path}"]
    gone = [path for path, entry in entries.items() if entry is None]
    repository.run(*command, *(["--force-remove", "--", *gone] if gone else []))


def is_ignored(repository: Repository, path: str) -> bool:
    """Check that git ignores a path from the top, which does not have to exist."""
    return bool(repository.run("check-ignore", "--no-index", "--", f"./{path}", may_be_missing=True, literal=False))
