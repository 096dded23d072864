"""What git stores for a file of the work tree, where that differs from its bytes: line ends that a checkout converted."""

import hashlib
from pathlib import Path

from promptdb.git.repository import find_repository

_HASHES = {40: hashlib.sha1, 64: hashlib.sha256}
"""By the length of an id in hexadecimal digits."""


def as_stored(root: Path, path: str, data: bytes) -> bytes:
    """The bytes with LF line ends where git stores them so, whatever its attributes and settings say; else as they are.

    Args:
        root: the prompts root, in a work tree.
        path: of the file, from there.
        data: its bytes.

    Raises:
        StorageError: git failed.
    """
    if b"\r\n" not in data or (repository := find_repository(root)) is None:
        return data
    blob = repository.run("hash-object", "--", str(root.resolve() / path)).decode().strip()
    converted = data.replace(b"\r\n", b"\n")
    return converted if blob == _blob_id(converted, len(blob)) else data


def _blob_id(data: bytes, digits: int) -> str:
    """As git counts it: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects, "Object Storage"."""
    return _HASHES[digits](b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
