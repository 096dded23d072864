"""Writes and reads a whole registry as one zip: `registry.json`, a JSON Lines file per table, each blob under its key."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from zipfile import ZipFile

from promptdb.db.inserts import Row
from promptdb.domain.blob import Blob
from promptdb.domain.digest import Digest
from promptdb.transfer.row_checks import check_version
from promptdb.transfer.rows_as_json import TABLES, decoded, encoded, key_of
from promptdb.transfer.source import Source
from promptdb.transfer.strict_json import Refused, require_fields, require_format, strict_json
from promptdb.transfer.zip_members import REGISTRY_MEMBER, TABLE_MEMBER, Zipped, new_member, opened, write_blob

_FORMAT = "promptdb-registry"
_VERSION = 1
"""The version of the file format. A change that older releases cannot read increases it."""


def write_registry(source: Source, stream: BinaryIO) -> dict[str, int]:
    """Check and write all rows and blobs, and count the rows of each table, and `blobs`. Equal registries make equal files.

    Raises:
        StorageError, IntegrityFailure: a row is wrong, or a blob is missing or damaged.
    """
    source.inspect()
    counts = dict.fromkeys(TABLES, 0)
    with ZipFile(stream, "w", compresslevel=6) as archive:
        for name in TABLES:
            member = new_member(TABLE_MEMBER.format(name), deflated=True)
            with archive.open(member, "w", force_zip64=True) as lines:
                for row in source.rows(name):
                    lines.write(encoded(row) + b"\n")
                    counts[name] += 1
        blobs = 0
        for blobs, blob in enumerate(source.blobs(), 1):  # noqa: B007
            write_blob(archive, blob)
        head = {"format": _FORMAT, "version": _VERSION, "rows": counts, "blobs": blobs}
        archive.writestr(new_member(REGISTRY_MEMBER), json.dumps(head, indent=2) + "\n")
    return {**counts, "blobs": blobs}


@contextmanager
def registry_file(file: Path) -> Iterator["RegistryFile"]:
    """Open a file that `write_registry` made.

    Raises:
        StorageError, IntegrityFailure: the file cannot be read, or is not such a file.
    """
    with opened(file, frozenset({REGISTRY_MEMBER, *map(TABLE_MEMBER.format, TABLES)})) as archive:
        yield RegistryFile(file, archive)


class RegistryFile:
    """A whole registry in an open file."""

    is_whole = True

    def __init__(self, file: Path, archive: Zipped) -> None:
        self.name = str(file)
        self._archive = archive

    def inspect(self) -> None:
        expected, blobs = self.counts(), set[tuple[Digest, int]]()
        for name in TABLES:
            member, count, before = TABLE_MEMBER.format(name), 0, tuple[object, ...]()
            for count, row in enumerate(self.rows(name), 1):
                try:
                    if name == "prompt_versions":
                        check_version(row)
                    if (key := key_of(name, row)) <= before:
                        raise Refused("its key does not come after that of the row before")
                except Refused as error:
                    raise self._archive.damaged(f"{member}:{count}: {error}") from error
                before = key
                if name == "prompt_assets":
                    blobs.add((Digest(f"sha256:{row['checksum_sha256']}"), row["byte_size"]))
            if expected[name] != count:
                raise self._archive.damaged(f"{member} has {count} rows and should have {expected[name]}")
        self._archive.check_blobs(blobs)

    def rows(self, name: str) -> Iterator[Row]:
        member = TABLE_MEMBER.format(name)
        for number, line in enumerate(self._archive.lines(member), 1):
            try:
                yield decoded(name, line)
            except Refused as error:
                raise self._archive.damaged(f"{member}:{number}: {error}") from error

    def blobs(self) -> Iterator[Blob]:
        return map(self._archive.blob, sorted(self._archive.blobs))

    def counts(self) -> dict[str, int]:
        """Read the counts of rows of each table, and of `blobs`, from `registry.json`.

        Raises:
            IntegrityFailure: it has no such counts, or another count of blobs than the zip.
        """
        try:
            head = strict_json(self._archive.read(REGISTRY_MEMBER))
            require_format(head, _FORMAT, _VERSION, {"rows", "blobs"})
            rows, blobs = head["rows"], head["blobs"]
            require_fields(rows, set(TABLES), "rows")
            for name, count in {**rows, "blobs": blobs}.items():
                if type(count) is not int:
                    raise Refused(f"{name} is not a number of rows or blobs")
        except Refused as error:
            raise self._archive.damaged(f"{REGISTRY_MEMBER}: {error}", error.hint) from error
        if blobs != len(self._archive.blobs):
            raise self._archive.damaged(f"it has {len(self._archive.blobs)} blobs and should have {blobs}")
        return {**rows, "blobs": blobs}
