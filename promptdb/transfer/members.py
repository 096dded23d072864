"""What the zip files have in common: the names in them, and bytes that depend on nothing but their contents."""

import re
import stat
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from promptdb.blobs.store import CHUNK, Blob, object_key
from promptdb.domain.digest import Digest
from promptdb.errors import IntegrityFailure

VERSION_MEMBER = "bundle.json"
REGISTRY_MEMBER = "registry.json"
TABLE_MEMBER = "tables/{}.jsonl"

_BLOB = re.compile(r"sha256/([0-9a-f]{2})/(\1[0-9a-f]{62})")
VERIFY = "see: promptdb verify"
"""What to do about a registry that is damaged."""

_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_MODE = (stat.S_IFREG | 0o644) << 16


def digest_of_member(name: str) -> Digest | None:
    """The digest that the name of a blob stands for; None for any other name."""
    found = _BLOB.fullmatch(name)
    return Digest(f"sha256:{found[2]}") if found else None


def new_member(name: str, size: int = 0, *, packed: bool = False) -> ZipInfo:
    """With `size`, as far as it is known, and always the same time and mode."""
    member = ZipInfo(name, _TIME)
    member.compress_type = ZIP_DEFLATED if packed else ZIP_STORED
    member.create_system, member.external_attr, member.file_size = _UNIX, _MODE, size
    return member


def write_blob(archive: ZipFile, blob: Blob) -> None:
    """Not packed: most assets are already, and what is read back is as large as it claims to be.

    Raises:
        StorageError, IntegrityFailure: it is missing, was changed, or has another size than its row says.
    """
    size = 0
    with blob.open() as source, archive.open(new_member(object_key(blob.digest), blob.size), "w") as target:
        while data := source.read(CHUNK):
            size += target.write(data)
    if size != blob.size:
        raise IntegrityFailure(f"the blob {blob.digest} has {size} bytes, and its row says {blob.size}", VERIFY)
