"""Sources of rows and blobs: a Protocol, and a registry as one."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Protocol

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.db.engine import address
from promptdb.db.inserts import Row
from promptdb.domain.blob import Blob
from promptdb.domain.digest import Digest
from promptdb.errors import IntegrityFailure
from promptdb.registry.row_findings import require_sound
from promptdb.transfer.row_checks import check_row
from promptdb.transfer.rows_as_json import TABLES, key_of, kind_of, table
from promptdb.transfer.strict_json import VERIFY, Refused

_ROWS = 1000
"""The number of rows read at a time, so that memory does not grow with a table."""


class Source(Protocol):
    """Rows and blobs of a registry or, if `is_whole` is False, of one version. `name` is for messages."""

    name: str
    is_whole: bool

    def inspect(self) -> None:
        """Check everything, before anything is written.

        Raises:
            IntegrityFailure: a row or a blob is not what it should be.
        """
        ...

    def rows(self, name: str) -> Iterator[Row]:
        """Yield the rows of a table, in the order of its keys."""
        ...

    def blobs(self) -> Iterator[Blob]:
        """Yield each blob that rows name, once."""
        ...


class RegistrySource:
    """A whole registry, as one read transaction sees it."""

    is_whole = True

    def __init__(self, connection: sa.Connection, blobs: BlobStore) -> None:
        self._connection = connection
        self._blobs = blobs
        self.name = address(connection.engine)

    def inspect(self) -> None:
        require_sound(self._connection, self.name, VERIFY)
        for name in TABLES:
            for row in self.rows(name):
                try:
                    check_row(name, row)
                except Refused as error:
                    key = ", ".join(map(str, key_of(name, row)))
                    raise IntegrityFailure(f"{self.name}: {name} {key}: {error}", VERIFY) from error

    def counts(self) -> dict[str, int]:
        """Count the rows of each table, and `blobs`."""
        checksums = sa.func.count(sa.distinct(table("prompt_assets").c.checksum_sha256))
        queries = {name: sa.select(sa.func.count()).select_from(table(name)) for name in TABLES}
        queries["blobs"] = sa.select(checksums)
        return {name: self._connection.execute(query).scalar_one() for name, query in queries.items()}

    def rows(self, name: str) -> Iterator[Row]:
        found = table(name)
        query = sa.select(found).order_by(*map(self._ordered, found.primary_key.columns))
        for row in self._execute(query):
            yield row._asdict()

    def blobs(self) -> Iterator[Blob]:
        assets = table("prompt_assets").c
        query = sa.select(assets.checksum_sha256, sa.func.min(assets.byte_size))
        query = query.group_by(assets.checksum_sha256).order_by(self._ordered(assets.checksum_sha256))
        for row in self._execute(query):
            checksum, size = tuple(row)
            digest = Digest(f"sha256:{checksum}")
            yield Blob(digest, size, partial(self._blobs.open, digest))

    def _execute(self, query: sa.Select[Any]) -> Iterator[sa.Row[Any]]:
        yield from self._connection.execute(query, execution_options={"yield_per": _ROWS})

    def _ordered(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Order text by code points in every database, so that equal registries make equal files."""
        is_text = kind_of(column) is str and self._connection.dialect.name == "postgresql"
        return sa.collate(column, "C") if is_text else column
