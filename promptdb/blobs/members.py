"""Entries of the zip files that hold blobs: bytes that depend on nothing but their contents."""

import stat
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipInfo

_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_MODE = (stat.S_IFREG | 0o644) << 16


def new_member(name: str, size: int = 0, *, deflated: bool = False) -> ZipInfo:
    """With `size`, as far as it is known, and always the same time and mode."""
    member = ZipInfo(name, _TIME)
    member.compress_type = ZIP_DEFLATED if deflated else ZIP_STORED
    member.create_system, member.external_attr, member.file_size = _UNIX, _MODE, size
    return member
