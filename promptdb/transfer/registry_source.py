"""A file of a whole registry as a source of rows and blobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from promptdb.blobs.store import Blob
from promptdb.db.bulk import Row
from promptdb.domain.digest import Digest
from promptdb.transfer.checks import asset_digest, check_row
from promptdb.transfer.members import REGISTRY_MEMBER, TABLE_MEMBER
from promptdb.transfer.registry_file import FORMAT, VERSION
from promptdb.transfer.tables import TABLES, decoded, table
from promptdb.transfer.values import Refused, require_format, strict_json
from promptdb.transfer.zipped import Zipped, opened

_NAMES = frozenset({REGISTRY_MEMBER, *(TABLE_MEMBER.format(name) for name in TABLES)})


class RegistryFile:
    """An open file that `write_registry` has made."""

    is_whole = True

    def __init__(self, file: Path, archive: Zipped) -> None:
        self.name = str(file)
        self._archive = archive

    def inspect(self) -> None:
        expected = self.counts()
        sizes: dict[Digest, int] = {}
        for name in TABLES:
            count = 0
            for number, row in enumerate(self.rows(name), 1):
                count = number
                try:
                    check_row(name, row)
                    if (
                        name == "prompt_assets"
                        and sizes.setdefault(asset_digest(row), row["byte_size"]) != row["byte_size"]
                    ):
                        raise Refused("a blob has two sizes")
                except Refused as error:
                    raise self._archive.damaged(f"{TABLE_MEMBER.format(name)}:{number}: {error}") from error
            if expected[name] != count:
                message = f"{TABLE_MEMBER.format(name)} has {count} rows and should have {expected[name]}"
                raise self._archive.damaged(message)
        self._check_blobs(sizes)

    def rows(self, name: str) -> Iterator[Row]:
        member, target = TABLE_MEMBER.format(name), table(name)
        for number, line in enumerate(self._archive.lines(member), 1):
            try:
                yield decoded(target, line)
            except Refused as error:
                raise self._archive.damaged(f"{member}:{number}: {error}") from error

    def blobs(self) -> Iterator[Blob]:
        return map(self._archive.blob, sorted(self._archive.blobs))

    def counts(self) -> dict[str, int]:
        """How many rows of each table, and `blobs`, it says it has.

        Raises:
            IntegrityFailure: it does not say, or has other blobs.
        """
        try:
            head = strict_json(self._archive.read(REGISTRY_MEMBER))
            require_format(head, FORMAT, VERSION, {"rows", "blobs"})
            rows = head["rows"]
            if not isinstance(rows, dict) or rows.keys() != set(TABLES):
                raise Refused("rows does not count the rows of each table")
            for name, count in {**rows, "blobs": head["blobs"]}.items():
                if type(count) is not int:
                    raise Refused(f"{name} is not a number of rows or blobs")
        except Refused as error:
            raise self._archive.damaged(f"{REGISTRY_MEMBER}: {error}", error.hint) from error
        if head["blobs"] != len(self._archive.blobs):
            raise self._archive.damaged(f"it has {len(self._archive.blobs)} blobs and should have {head['blobs']}")
        return {**rows, "blobs": head["blobs"]}

    def _check_blobs(self, sizes: dict[Digest, int]) -> None:
        """All that rows name are there, and no others; each has its size and digest."""
        there = self._archive.blobs
        for digest, size in sizes.items():
            if digest not in there or there[digest].file_size != size:
                raise self._archive.damaged(f"the blob {digest} of {size} bytes is not in it")
        for digest in there:
            if digest not in sizes:
                raise self._archive.damaged(f"no row names the blob {digest}")
            self._archive.check_blob(digest)


@contextmanager
def registry_file(file: Path) -> Iterator[RegistryFile]:
    """
    Raises:
        StorageError, IntegrityFailure: it cannot be read, or is not such a file.
    """
    with opened(file, _NAMES) as archive:
        yield RegistryFile(file, archive)
