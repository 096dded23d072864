"""A whole registry in one zip: `registry.json`, a JSON Lines file for each table, and every blob under its key."""

import json
from typing import IO, BinaryIO
from zipfile import ZipFile

from promptdb.blobs.members import new_member
from promptdb.transfer.members import REGISTRY_MEMBER, TABLE_MEMBER, write_blob
from promptdb.transfer.source import Source
from promptdb.transfer.tables import TABLES, encoded

FORMAT = "promptdb-registry"
VERSION = 1
"""Of the file format. It grows when an older promptdb could not read a newer file."""


def write_registry(source: Source, stream: BinaryIO) -> dict[str, int]:
    """Write all rows and blobs of a source, which are checked: a file that is written can be read. Equal registries give
    equal bytes.

    Returns:
        The number of rows of each table, and of `blobs`.

    Raises:
        StorageError, IntegrityFailure: a blob is missing, or something is not what it should be.
    """
    source.inspect()
    counts = {}
    with ZipFile(stream, "w", compresslevel=6) as archive:
        for name in TABLES:
            member = new_member(TABLE_MEMBER.format(name), deflated=True)
            with archive.open(member, "w", force_zip64=True) as lines:
                counts[name] = _write_rows(source, name, lines)
        blobs = 0
        for blob in source.blobs():
            write_blob(archive, blob)
            blobs += 1
        head = {"format": FORMAT, "version": VERSION, "rows": counts, "blobs": blobs}
        archive.writestr(new_member(REGISTRY_MEMBER), json.dumps(head, indent=2) + "\n")
    return {**counts, "blobs": blobs}


def _write_rows(source: Source, name: str, lines: IO[bytes]) -> int:
    count = 0
    for row in source.rows(name):
        lines.write(encoded(row) + b"\n")
        count += 1
    return count
