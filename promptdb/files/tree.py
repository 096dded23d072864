"""Where the bytes of prompt files come from: one view, whether it is the work tree or something recorded."""

import errno
import os
import posixpath
import stat
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import uuid4

from promptdb.domain.digest import Digest, digest_of
from promptdb.files.streams import Measured, StoredFile, measured, with_lf
from promptdb.safe_paths import contained, open_regular

MAX_TEXT_BYTES = 1024 * 1024
"""A prompt, a fragment, a file of examples."""

MAX_ASSET_BYTES = 5 * 1024**3
"""What S3 takes in one request. Assets stream: memory does not grow with them."""

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_LFS_POINTER_BYTES = 1024


def beside(path: str, name: str) -> str:
    """The path from the prompts root of a file that the prompt at `path` names."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def size_text(limit: int) -> str:
    """A limit as messages tell it."""
    return f"{limit // 1024**3:,} GiB" if limit >= 1024**3 else f"{limit // 1024:,} KiB"


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

    def open(self, path: str, limit: int) -> BinaryIO:
        """A stream of the same bytes. Errors as in `read`; the stream raises OSError or StorageError, too."""
        ...

    def has_lf_in_git(self, path: str, found: Measured) -> bool:
        """Whether git stores LF for the CRLF line ends that were found in a file.

        Raises:
            StorageError: git failed.
            OSError: the file cannot be read any more.
        """
        ...


class ScannedTree(Tree, Protocol):
    """A tree whose prompt files are known. `cache_file` is where is remembered what they gave."""

    @property
    def cache_file(self) -> Path: ...

    def preload(self) -> None:
        """Many prompt files may be read."""
        ...

    def read_scanned(self, path: str, limit: int) -> bytes:
        """As `read`, for a path that the scan found."""
        ...

    def blob_id(self, path: str) -> str | None:
        """The id that git has for the content of a file; None for one on disk, and for one read from Git LFS."""
        ...


def measure(tree: Tree, path: str, limit: int) -> tuple[StoredFile, Digest]:
    """A file as git stores it, and the digest of its bytes where it lies. Most files are read once for that.

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
    """What was measured, as a stream. Errors as in `Tree.open`."""
    stream = tree.open(path, MAX_ASSET_BYTES)
    return with_lf(stream) if stored.is_converted else stream


StoresLf = Callable[[str, Callable[[], BinaryIO], int, bool], bool]
"""Path, what opens the file with LF line ends, the size of that, whether there is a NUL: whether git stores it so."""


class WorkTree:
    """The files as they lie on disk.

    Args:
        root: the prompts root.
        stores_lf: whether git stores LF line ends for a file that has CRLF; by default it does not. Can be pickled.
        cache: the folder for caches; by default that of the user.
    """

    def __init__(self, root: Path, stores_lf: StoresLf | None = None, cache: Path | None = None) -> None:
        self.root = root
        self._stores_lf = stores_lf
        self._cache = cache

    @property
    def cache_file(self) -> Path:
        folder = self._cache
        if folder is None:
            from platformdirs import user_cache_path  # only outside of git

            folder = user_cache_path("promptdb", appauthor=False) / "files"
        return folder / f"files-{digest_of(os.fsencode(self.root.resolve())).partition(':')[2][:16]}.json"

    def preload(self) -> None:
        pass  # the files are there

    def read(self, path: str, limit: int) -> bytes:
        return _read_file(contained(self.root, path), limit)

    def read_scanned(self, path: str, limit: int) -> bytes:
        # The scan knows that it stays inside: resolving links costs more than reading.
        return _read_file(f"{self.root}/{path}", limit)

    def open(self, path: str, limit: int) -> BinaryIO:
        file, status = _open(contained(self.root, path), limit)
        if status.st_size >= _LFS_POINTER_BYTES:
            return file
        with file:
            return BytesIO(_content(file))

    def blob_id(self, path: str) -> None:
        pass  # known to git only once the file is added

    def has_lf_in_git(self, path: str, found: Measured) -> bool:
        if self._stores_lf is None:
            return False
        return self._stores_lf(path, lambda: with_lf(self.open(path, found.size)), found.size_with_lf, found.has_nul)

    def create(self, path: str, data: bytes) -> None:
        """Add a file at once.

        Raises:
            OutsideRoot: the path leads out of the tree.
            FileChanged: there is one by now.
            OSError: it cannot be written.
        """
        target = contained(self.root, path)
        temporary = target.with_name(f".{uuid4().hex}")
        try:
            temporary.write_bytes(data)
            os.link(temporary, target)  # unlike a rename, it replaces nothing
        except FileExistsError as error:
            raise FileChanged from error
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()

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
                with _open(target, len(old))[0] as file:
                    is_same = file.read() == old
            except FileTooLarge:
                is_same = False
            if not is_same:
                raise FileChanged
            temporary.replace(target)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()


def is_lfs_pointer(data: bytes) -> bool:
    """Whether a file has the place of its content and not the content (https://git-lfs.com)."""
    return len(data) < _LFS_POINTER_BYTES and data.startswith(_LFS_POINTER)


def no_lfs_content() -> OSError:
    return OSError(errno.ENODATA, "it is a pointer of Git LFS, and its content is not here: run 'git lfs pull'")


def _read_file(path: str | Path, limit: int) -> bytes:
    file, _ = _open(path, limit)
    with file:
        return _content(file)


def _content(file: BinaryIO) -> bytes:
    data = file.read()
    if is_lfs_pointer(data):
        raise no_lfs_content()
    return data


def _open(path: str | Path, limit: int) -> tuple[BinaryIO, os.stat_result]:
    file, status = open_regular(path)
    if status.st_size > limit:
        file.close()
        raise FileTooLarge
    return file, status
