"""Opening files that somebody else may have put there: a pipe, a device or a folder under the name is refused."""

import errno
import os
import stat
from typing import BinaryIO


def open_regular(path: str | os.PathLike[str]) -> tuple[BinaryIO, os.stat_result]:
    """An unbuffered file to read from, with its status: that of the very file that is open, whatever has the path meanwhile.

    Raises:
        OSError: it cannot be read, or is not a regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # a pipe would keep us waiting
    descriptor = os.open(path, flags)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "Is a directory")
        raise OSError(errno.EINVAL, "not a regular file")
    return open(descriptor, "rb", buffering=0), status  # noqa: PTH123  the caller closes it
