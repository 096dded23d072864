"""Detects files whose line ends git converts between the work tree and its objects."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from promptdb.git.repository import Repository, find_repository

_CHUNK = 1024 * 1024
_HASHES = {40: hashlib.sha1, 64: hashlib.sha256}
"""The hash functions of git, by the number of hexadecimal digits in an id."""


def stores_lf(root: Path, path: str, lf: Callable[[], BinaryIO], size: int, has_nul: bool) -> bool:  # noqa: FBT001  as the caller's field
    """Check that git stores LF line ends for a file with CRLF, by its attributes and settings.

    `path` starts at the prompts root. `lf` opens the file with LF line ends, which has `size` bytes.
    """
    repository = find_repository(root)
    if repository is None:
        return False
    file = str(root.resolve() / path)
    # Git treats a file with a NUL as text only if an attribute says so. Otherwise it would read each large binary here.
    if has_nul and not _is_declared_text(repository, file):
        return False
    blob = repository.run("hash-object", "--", file).decode().strip()
    return blob == _blob_id(lf(), size, len(blob))


def _is_declared_text(repository: Repository, file: str) -> bool:
    """Check that an attribute declares a file as text, instead of letting git guess (gitattributes(5), "text")."""
    rows = repository.run("check-attr", "-z", "text", "crlf", "eol", "--", file, literal=False).split(b"\0")
    values = dict(zip(rows[1::3], rows[2::3], strict=False))
    decides = values[b"text"] if values[b"text"] != b"unspecified" else values[b"crlf"]
    return decides in (b"set", b"input") or (decides == b"unspecified" and values[b"eol"] in (b"lf", b"crlf"))


def _blob_id(stream: BinaryIO, size: int, digits: int) -> str:
    # https://git-scm.com/book/en/v2/Git-Internals-Git-Objects, "Object Storage"
    found = _HASHES[digits](b"blob %d\0" % size, usedforsecurity=False)
    with stream:
        while data := stream.read(_CHUNK):
            found.update(data)
    return found.hexdigest()
