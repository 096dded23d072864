"""What syncs have recorded of themselves."""

import sqlalchemy as sa

from promptdb.db.repository import runs


def newest_commit(connection: sa.Connection) -> str | None:
    """The commit that the newest sync found, if it found nothing else; None where there is no such sync."""
    query = sa.select(runs.c.commit_id, runs.c.is_dirty).where(runs.c.outcome == "applied").order_by(runs.c.id.desc())
    row = connection.execute(query.limit(1)).first()
    return row.commit_id if row is not None and not row.is_dirty else None
