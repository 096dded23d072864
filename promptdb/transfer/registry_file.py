"""A whole registry in one zip: `registry.json`, a JSON Lines file for each table, and every blob under its key."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from zipfile import ZipFile

from promptdb.db.inserts import Row
from promptdb.domain.blob import Blob
from promptdb.domain.digest import Digest
from promptdb.transfer.row_checks import asset_digest, check_row
from promptdb.transfer.rows_as_json import TABLES, decoded, encoded, key_of
from promptdb.transfer.source import Source
from promptdb.transfer.strict_json import Refused, require_format, strict_json
from promptdb.transfer.zip_members import REGISTRY_MEMBER, TABLE_MEMBER, Zipped, new_member, opened, write_blob

_FORMAT = "promptdb-registry"
_VERSION = 1
"""Number of the file format. It grows when an older promptdb could not read a newer file."""


def write_registry(source: Source, stream: BinaryIO) -> dict[str, int]:
    """Write all rows and blobs of a source, which are checked: a file that is written can be read. Equal registries give
    equal bytes.

    Returns:
        The number of rows of each table, and of `blobs`.

    Raises:
        StorageError, IntegrityFailure: a blob is missing, or something is not what it should be.
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
    """
    Raises:
        StorageError, IntegrityFailure: it cannot be read, or is not such a file.
    """
    with opened(file, frozenset({REGISTRY_MEMBER, *map(TABLE_MEMBER.format, TABLES)})) as archive:
        yield RegistryFile(file, archive)


class RegistryFile:
    """An open file that `write_registry` has made, as a source."""

    is_whole = True

    def __init__(self, file: Path, archive: Zipped) -> None:
        self.name = str(file)
        self._archive = archive

    def inspect(self) -> None:
        expected = self.counts()
        sizes: dict[Digest, int] = {}
        for name in TABLES:
            count, before = 0, tuple[object, ...]()
            for count, row in enumerate(self.rows(name), 1):
                try:
                    check_row(name, row)
                    if (key := key_of(name, row)) <= before:
                        raise Refused("its key does not come after that of the row before")
                    before = key
                    if (
                        name == "prompt_assets"
                        and sizes.setdefault(asset_digest(row), size := row["byte_size"]) != size
                    ):
                        raise Refused("a blob has two sizes")
                except Refused as error:
                    raise self._archive.damaged(f"{TABLE_MEMBER.format(name)}:{count}: {error}") from error
            if expected[name] != count:
                message = f"{TABLE_MEMBER.format(name)} has {count} rows and should have {expected[name]}"
                raise self._archive.damaged(message)
        self._archive.check_blobs(sizes)

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
        """Read how many rows of each table, and `blobs`, it claims to have.

        Raises:
            IntegrityFailure: it does not say, or has other blobs.
        """
        try:
            head = strict_json(self._archive.read(REGISTRY_MEMBER))
            require_format(head, _FORMAT, _VERSION, {"rows", "blobs"})
            rows, blobs = head["rows"], head["blobs"]
            if not isinstance(rows, dict) or rows.keys() != set(TABLES):
                raise Refused("rows does not count the rows of each table")
            for name, count in {**rows, "blobs": blobs}.items():
                if type(count) is not int:
                    raise Refused(f"{name} is not a number of rows or blobs")
        except Refused as error:
            raise self._archive.damaged(f"{REGISTRY_MEMBER}: {error}", error.hint) from error
        if blobs != len(self._archive.blobs):
            raise self._archive.damaged(f"it has {len(self._archive.blobs)} blobs and should have {blobs}")
        return {**rows, "blobs": blobs}
