"""What the zip files have in common: the names in them, and how a blob gets into one."""

from zipfile import ZipFile

from promptdb.blobs.members import new_member
from promptdb.blobs.store import CHUNK, Blob, object_key
from promptdb.errors import IntegrityFailure

VERSION_MEMBER = "bundle.json"
REGISTRY_MEMBER = "registry.json"
TABLE_MEMBER = "tables/{}.jsonl"

VERIFY = "see: promptdb verify"
"""What to do about a registry that is damaged."""


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
