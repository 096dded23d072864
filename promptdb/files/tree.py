"""Where the bytes of prompt files come from: one view, whether it is the work tree or something recorded."""

import errno
import os
import posixpath
import stat
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from promptdb.containment import contained

MAX_TEXT_BYTES = 1024 * 1024
"""A prompt, a fragment, a file of examples."""

MAX_ASSET_BYTES = 64 * 1024 * 1024


def beside(path: str, name: str) -> str:
    """The path from the prompts root of a file that the prompt at `path` names."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


class FileTooLarge(Exception):
    pass


class FileChanged(Exception):
    """A file does not hold what it held when it was read."""


class Tree(Protocol):
    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a file, by its path relative to the prompts root, with `/`.

        Raises:
            OutsideRoot: the path leads out of the tree.
            FileTooLarge: it has more than `limit` bytes.
            OSError: there is no such file, or it cannot be read.
        """
        ...


class WorkTree:
    """The files as they lie on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str, limit: int) -> bytes:
        return _read(str(contained(self.root, path)), limit)

    def read_scanned(self, path: str, limit: int) -> bytes:
        """The same for a path that `scan` found, which is known to stay inside: resolving links costs more than reading."""
        return _read(f"{self.root}/{path}", limit)

    def replace(self, path: str, old: bytes, new: bytes) -> None:
        """Give a file another content at once: whoever reads it meets the one or the other. A link to it stays a link.

        Args:
            path: of a file that is there; its permissions stay.
            old: what the caller found in it.
            new: what it shall hold.

        Raises:
            OutsideRoot: the path leads out of the tree.
            FileChanged: it does not hold `old` any more.
            OSError: it cannot be written.
        """
        target = contained(self.root, path)
        mode = stat.S_IMODE(target.stat().st_mode)
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "it is read-only")
        temporary = target.with_name(f".{uuid4().hex}")
        try:
            temporary.write_bytes(new)
            temporary.chmod(mode)
            try:
                is_same = _read(str(target), len(old)) == old
            except FileTooLarge:
                is_same = False
            if not is_same:
                raise FileChanged
            temporary.replace(target)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()


def _read(path: str, limit: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe would keep us waiting for ever
    with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            is_folder = stat.S_ISDIR(status.st_mode)
            raise OSError(
                errno.EISDIR if is_folder else errno.EINVAL, "Is a directory" if is_folder else "not a regular file"
            )
        if status.st_size > limit:
            raise FileTooLarge
        return file.read()
