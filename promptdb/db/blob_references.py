"""Lists the blobs that rows name. `gc` first checks that the rows fit their specs, so one column is enough."""

from collections.abc import Collection

import sqlalchemy as sa

from promptdb.db.columns import assets, versions
from promptdb.db.repository import among
from promptdb.domain.digest import Digest

_AT_ONCE = 1000


def named_blobs(connection: sa.Connection) -> set[Digest]:
    """Find every blob that a row names."""
    query = sa.select(assets.c.checksum_sha256).distinct()
    found = connection.execute(query, execution_options={"yield_per": _AT_ONCE}).scalars()
    return {Digest(f"sha256:{checksum}") for checksum in found}


def named_among(connection: sa.Connection, blobs: Collection[Digest]) -> set[Digest]:
    """Find the blobs of these that a row names."""
    checksum = assets.c.checksum_sha256
    wanted = [digest.partition(":")[2] for digest in blobs]
    return {Digest(f"sha256:{found}") for (found,) in among(connection, sa.select(checksum), checksum, wanted)}


def newest_blob(connection: sa.Connection) -> Digest | None:
    """Find a blob of the newest version, or None if there are no versions."""
    found = connection.execute(sa.select(assets.c.checksum_sha256).order_by(assets.c.id.desc()).limit(1)).scalar()
    return Digest(f"sha256:{found}") if found is not None else None


def version_count(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(versions)).scalar_one())
