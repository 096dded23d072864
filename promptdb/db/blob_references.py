"""Which blobs the rows name. Both columns count that tell it: where one of them was edited, the other still keeps the blob."""

from collections.abc import Mapping

import sqlalchemy as sa

from promptdb.db.columns import assets, versions
from promptdb.domain.digest import Digest

_AT_ONCE = 1000
_HEX_DIGITS = 64


def named_blobs(connection: sa.Connection) -> set[bytes]:
    """The SHA-256 of every blob that a row names."""
    found = set()
    query = sa.select(assets.c.checksum_sha256, assets.c.object_key).distinct()
    for checksum, key in connection.execute(query, execution_options={"yield_per": _AT_ONCE}):
        for text in {checksum, key[-_HEX_DIGITS:]}:
            try:
                found.add(bytes.fromhex(text))
            except ValueError:
                continue  # edited by hand: the other one tells
    return found


def named_among(connection: sa.Connection, blobs: Mapping[str, Digest]) -> set[Digest]:
    """Which of these blobs, at most 500 by their keys in the store, some row names."""
    checksums = {digest.partition(":")[2]: digest for digest in blobs.values()}
    by_checksum = sa.select(assets.c.checksum_sha256).where(assets.c.checksum_sha256.in_(list(checksums)))
    by_key = sa.select(assets.c.object_key).where(assets.c.object_key.in_(list(blobs)))
    return {
        *(checksums[found] for found in connection.execute(by_checksum).scalars()),
        *(blobs[found] for found in connection.execute(by_key).scalars()),
    }


def newest_blob(connection: sa.Connection) -> Digest | None:
    """One of the newest version's; None where there is no version."""
    found = connection.execute(sa.select(assets.c.checksum_sha256).order_by(assets.c.id.desc()).limit(1)).scalar()
    return Digest(f"sha256:{found}") if found is not None else None


def version_count(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(versions)).scalar_one())
