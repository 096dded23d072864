"""Opens files safely: no path out of its folder, and nothing but a regular file."""

import errno
import os
import stat
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from promptdb.errors import OutsideRoot


def contained(root: Path, relative: str) -> Path:
    """Return the real path of `relative` below `root`. The file does not have to exist.

    Args:
        root: a folder.
        relative: a path with `/`, from an untrusted source.

    Raises:
        OutsideRoot: the path is absolute, or leads out of `root` by `..` or a symbolic link.
    """
    pure = PurePosixPath(relative)
    if pure.is_absolute() or "\\" in relative or "\0" in relative or Path(relative).is_absolute():
        raise OutsideRoot(f"{relative!r} is not a relative path", "write a relative path, with / between its parts")
    # realpath, because Path.resolve fails on a circle of links. Opening such a path gives a better error.
    real_root = Path(os.path.realpath(root))
    real = Path(os.path.realpath(real_root / pure))
    if real != real_root and real_root not in real.parents:
        raise OutsideRoot(f"{relative!r} leads outside {root.name or root}", "keep the file inside that folder")
    return real


def open_below(root: str | os.PathLike[str], relative: str) -> tuple[BinaryIO, os.stat_result]:
    """Open a file as `open_regular` does, if no part of its path below `root` is a symbolic link at that moment.

    Raises:
        OSError: a part is a link or does not exist, the file cannot be read, or is not a regular file.
    """
    if os.open not in os.supports_dir_fd:
        return open_regular(os.path.join(root, relative))  # noqa: PTH118
    *folders, name = relative.split("/")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in folders:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        return open_regular(name, os.O_NOFOLLOW, folder)
    finally:
        os.close(folder)


def open_regular(
    path: str | os.PathLike[str], flags: int = 0, folder: int | None = None
) -> tuple[BinaryIO, os.stat_result]:
    """Open a file for unbuffered reading and return it with its status. The caller closes it.

    The status is that of the open file, even if another file takes its path.

    Raises:
        OSError: the file cannot be read, or is not a regular file.
    """
    # Without O_NONBLOCK, opening a pipe would wait for a writer.
    flags |= os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, dir_fd=folder)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "Is a directory")
        raise OSError(errno.EINVAL, "not a regular file")
    return open(descriptor, "rb", buffering=0), status  # noqa: PTH123
