"""Access to the bytes of prompt files: one interface for the work tree and for what git has recorded."""

import errno
import os
import posixpath
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import uuid4

from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.layout import PLAIN, Layout
from promptdb.errors import NotInRoots, OutsideRoot
from promptdb.files.streams import Measured, StoredFile, measured, with_lf
from promptdb.safe_paths import contained, open_below, open_regular

# For a prompt, a fragment or a file of examples.
MAX_TEXT_BYTES = 1024 * 1024

# S3 accepts this much in one request. Assets stream, so that memory does not grow with them.
MAX_ASSET_BYTES = 5 * 1024**3

# As the specification of Git LFS has it: https://git-lfs.com
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_LFS_POINTER_BYTES = 1024


ABSENT = Digest("absent")
"""In the place of the digest of a file that is not there, and would change a prompt if it were."""


def beside(path: str, name: str) -> str:
    """Resolve a file name in the prompt file at `path`. Both paths start at the prompts root."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def size_text(limit: int) -> str:
    return f"{limit // 1024**3:,} GiB" if limit >= 1024**3 else f"{limit // 1024:,} KiB"


class FileTooLarge(Exception):
    """A file with more bytes than its reader accepts."""


class FileChanged(Exception):
    """A file that no longer holds the content that was read from it."""


class Tree(Protocol):
    """Files by their paths from the prompts root, with `/`."""

    def read(self, path: str, limit: int) -> bytes:
        """Read a file.

        Raises:
            OutsideRoot: the path leads out of the tree.
            FileTooLarge: the file has more than `limit` bytes.
            OSError: the file is missing, or cannot be read.
        """

    def open(self, path: str, limit: int) -> BinaryIO:
        """Open a file, with the errors of `read`. The stream may also raise OSError or StorageError."""

    def has_lf_in_git(self, path: str, found: Measured) -> bool:
        """Report whether git stores LF for the CRLF line ends found in a file. Raise StorageError or OSError."""


class ScannedTree(Tree, Protocol):
    """A tree whose prompt files are known. `cache_file` remembers the results of parsing them."""

    @property
    def cache_file(self) -> Path: ...

    def preload(self) -> None:
        """Prepare for reading many prompt files."""

    def read_scanned(self, path: str, limit: int) -> bytes:
        """Read a file that the scan found."""

    def blob_id(self, path: str) -> str | None:
        """Return git's id of the content that `read` gives; None for a file on disk or from Git LFS."""


def measure(tree: Tree, path: str, limit: int) -> tuple[StoredFile, Digest]:
    """Measure a file as git stores it, and digest its bytes as the tree has them.

    Raises:
        OutsideRoot, FileTooLarge, OSError: as in `Tree.read`.
        StorageError: git failed.
    """
    found = measured(tree.open(path, limit))
    if not found.crlfs or not tree.has_lf_in_git(path, found):
        return StoredFile(found.digest, found.size), found.digest
    converted = measured(with_lf(tree.open(path, limit)))
    return StoredFile(converted.digest, converted.size, is_converted=True), found.digest


def open_stored(tree: Tree, path: str, stored: StoredFile) -> BinaryIO:
    """Open a measured file as git stores it, with the errors of `Tree.open`."""
    stream = tree.open(path, MAX_ASSET_BYTES)
    return with_lf(stream) if stored.is_converted else stream


# (path, opener of the file with LF line ends, size with LF, whether there is a NUL) -> whether git stores LF
StoresLf = Callable[[str, Callable[[], BinaryIO], int, bool], bool]


@dataclass(frozen=True)
class WorkTree:
    """The files on disk that belong to a layout. Other processes get copies, so that `stores_lf` must be picklable.

    Without `stores_lf`, git stores CRLF as it is. Without `cache`, caches are in the user's folder for them.
    """

    root: Path
    stores_lf: StoresLf | None = None
    cache: Path | None = None
    layout: Layout = PLAIN

    @property
    def cache_file(self) -> Path:
        folder = self.cache
        if folder is None:
            # Only projects outside git pay for this import.
            from platformdirs import user_cache_path

            folder = user_cache_path("promptdb", appauthor=False) / "files"
        return folder / f"files-{digest_of(os.fsencode(self.root.resolve())).partition(':')[2][:16]}.json"

    def preload(self) -> None:
        pass

    def read(self, path: str, limit: int) -> bytes:
        with self.open(path, limit) as stream:
            return stream.read()

    def read_scanned(self, path: str, limit: int) -> bytes:
        # The scan has checked that the file is inside. Resolving links again costs more than reading.
        try:
            opened = open_below(self.root, path)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                raise
            # The file is a link, or a folder became one after the scan.
            if (what := self.moved(path)) is not None:
                raise OSError(error.errno, what) from error
            return self.read(path, limit)
        with _limited(opened, limit) as stream:
            return stream.read()

    def open(self, path: str, limit: int) -> BinaryIO:
        # A folder may become a link to another place after it was resolved.
        target, root = self._contained(path), os.path.realpath(self.root)
        return _limited(open_below(root, os.path.relpath(target, root)), limit)

    def moved(self, path: str) -> str | None:
        """Say what happened to a file that a scan found, if it is not there any more."""
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            part = "/".join(parts[:end])
            if not os.path.lexists(self.root / part):
                return f"{part} was removed"
            if end < len(parts) and (self.root / part).is_symlink():
                return f"the folder {part} became a symbolic link"
        return None

    def blob_id(self, path: str) -> None:
        pass

    def has_lf_in_git(self, path: str, found: Measured) -> bool:
        if self.stores_lf is None:
            return False
        size = found.size - found.crlfs
        return self.stores_lf(path, lambda: with_lf(self.open(path, found.size)), size, found.has_nul)

    def create(self, path: str, data: bytes) -> None:
        """Add a file in one step.

        Raises:
            OutsideRoot: the path leads out of the tree.
            FileChanged: the file exists.
            OSError: the file cannot be written.
        """
        target = self._contained(path)
        with temporary_beside(target, data) as temporary:
            try:
                # Unlike a rename, a link never replaces a file.
                os.link(temporary, target)
            except FileExistsError as error:
                raise FileChanged from error

    def replace(self, path: str, old: bytes, new: bytes) -> None:
        """Replace the content of a file in one step. Its permissions stay, and a link to it stays a link.

        Raises:
            OutsideRoot: the path leads out of the tree.
            FileChanged: the file no longer holds `old`.
            OSError: the file cannot be written.
        """
        target = self._contained(path)
        mode = stat.S_IMODE(target.stat().st_mode)
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "it is read-only")
        with temporary_beside(target, new) as temporary:
            temporary.chmod(mode)
            file, status = open_regular(target)
            with file:
                if status.st_size != len(old) or file.read() != old:
                    raise FileChanged
            temporary.replace(target)

    def _contained(self, path: str) -> Path:
        target = contained(self.root, path)
        if not self.layout.is_plain:
            if not self.layout.has(posixpath.normpath(path)):
                raise NotInRoots(path)
            if not self.layout.has(os.path.relpath(target, os.path.realpath(self.root))):
                raise OutsideRoot(f"{path!r} leads outside the prompts roots", "keep the file in one of them")
        return target


def is_lfs_pointer(data: bytes) -> bool:
    """Report whether a file is the placeholder that Git LFS leaves for its content."""
    return len(data) < _LFS_POINTER_BYTES and data.startswith(_LFS_POINTER)


def no_lfs_content() -> OSError:
    return OSError(errno.ENODATA, "it is a Git LFS pointer without its content: run 'git lfs pull'")


@contextmanager
def temporary_beside(target: Path, data: bytes) -> Iterator[Path]:
    """Write a temporary file in the folder of the target, from which it can replace the target in one step."""
    temporary = target.with_name(f".{uuid4().hex}")
    try:
        temporary.write_bytes(data)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _limited(opened: tuple[BinaryIO, os.stat_result], limit: int) -> BinaryIO:
    file, status = opened
    if status.st_size > limit:
        file.close()
        raise FileTooLarge
    if status.st_size >= _LFS_POINTER_BYTES:
        return file
    with file:
        data = file.read()
    if is_lfs_pointer(data):
        raise no_lfs_content()
    return BytesIO(data)
