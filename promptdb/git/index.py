"""Changes of what would be committed now: several entries at once, or none."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from promptdb.git.objects import Entry
from promptdb.git.repository import Repository


def write_blob(repository: Repository, data: bytes) -> str:
    """Store bytes as they are; gives the id of the blob.

    Raises:
        StorageError: git failed.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder, "blob")
        file.write_bytes(data)
        return repository.run("hash-object", "-w", "--no-filters", "--", str(file)).decode().strip()


def write_entries(repository: Repository, entries: Mapping[str, Entry | None]) -> None:
    """Give paths, from the top, these entries in the index; None takes a path out. Files in the work tree are not touched.

    Raises:
        StorageError: git failed, for one because another git process holds the index; nothing has changed.
    """
    command = ["update-index", "--add"]
    for path, entry in entries.items():
        if entry is not None:
            command += ["--cacheinfo", f"{entry.mode},{entry.id},{path}"]
    gone = [path for path, entry in entries.items() if entry is None]
    repository.run(*command, *(["--force-remove", "--", *gone] if gone else []))


def is_ignored(repository: Repository, path: str) -> bool:
    """Whether a rule of git leaves out a path from the top, which need not be there."""
    return bool(repository.run("check-ignore", "--no-index", "--", f"./{path}", may_be_missing=True, literal=False))
