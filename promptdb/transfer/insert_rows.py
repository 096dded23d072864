"""Inserts rows of a source into the tables of a registry."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from promptdb.blobs.store import BlobStore
from promptdb.db.inserts import Row, insert_rows
from promptdb.errors import IntegrityFailure
from promptdb.transfer.rows_as_json import table
from promptdb.transfer.source import Source
from promptdb.transfer.strict_json import AGAIN

_ROWS = 1000


@dataclass(frozen=True)
class Written:
    """Counts of written rows, with new prompts and versions, and aliases that were set or moved."""

    prompts: int = 0
    versions: int = 0
    aliases: int = 0
    rows: int = 0


def insert(connection: sa.Connection, source: Source, name: str, rows: Iterable[Row], blobs: BlobStore) -> int:
    """Insert rows into a table, and count them. Rows of assets get the backend and bucket of this store.

    Raises:
        IntegrityFailure: the database refuses a row.
    """
    place = {"storage_backend": blobs.backend, "bucket": blobs.bucket} if name == "prompt_assets" else {}
    remaining, count = iter(rows), 0
    while batch := [{**row, **place} for row in islice(remaining, _ROWS)]:
        try:
            insert_rows(connection, table(name), batch)
        except (IntegrityError, connection.dialect.loaded_dbapi.IntegrityError) as error:  # the second: from COPY
            message = f"{source.name}: a row of {name} names a missing row, or contradicts another row"
            raise IntegrityFailure(message, AGAIN) from error
        count += len(batch)
    return count
