"""Whether git stores a file of the work tree with other line ends than it has there, since a checkout converted them."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from promptdb.git.repository import Repository, find_repository

_CHUNK = 1024 * 1024
_HASHES = {40: hashlib.sha1, 64: hashlib.sha256}
"""By the length of an id in hexadecimal digits."""


def stores_lf(root: Path, path: str, lf: Callable[[], BinaryIO], size: int, has_nul: bool) -> bool:  # noqa: FBT001  as the caller's field
    """Whether git stores LF line ends for a file that has CRLF, as its attributes and settings say.

    Args:
        root: the prompts root, in a work tree.
        path: of the file, from there.
        lf: opens the file with LF line ends.
        size: bytes of that.
        has_nul: whether there is a NUL in it: git asks for more than its settings before it takes that for text.

    Raises:
        StorageError: git failed.
        OSError: the file cannot be read.
    """
    repository = find_repository(root)
    if repository is None:
        return False
    file = str(root.resolve() / path)
    if has_nul and not _is_declared_text(repository, file):
        return False  # else each large binary would be read by git as well
    blob = repository.run("hash-object", "--", file).decode().strip()
    return blob == _blob_id(lf(), size, len(blob))


def _is_declared_text(repository: Repository, file: str) -> bool:
    """Whether an attribute says that it is text, and does not leave it to git to find out (gitattributes(5), "text")."""
    rows = repository.run("check-attr", "-z", "text", "crlf", "eol", "--", file, literal=False).split(b"\0")
    values = dict(zip(rows[1::3], rows[2::3], strict=False))
    decides = values[b"text"] if values[b"text"] != b"unspecified" else values[b"crlf"]
    return decides in (b"set", b"input") or (decides == b"unspecified" and values[b"eol"] in (b"lf", b"crlf"))


def _blob_id(stream: BinaryIO, size: int, digits: int) -> str:
    """As git counts it: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects, "Object Storage"."""
    found = _HASHES[digits](b"blob %d\0" % size, usedforsecurity=False)
    with stream:
        while data := stream.read(_CHUNK):
            found.update(data)
    return found.hexdigest()
