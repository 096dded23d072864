"""Reads of recorded syncs on one connection: applied commits, and the prompts that they lacked."""

from uuid import UUID

import sqlalchemy as sa

from promptdb.db.columns import absences, runs, source_heads
from promptdb.domain.commit_order import RecordedHead

APPLIED, SUPERSEDED = "applied", "superseded"
"""Outcomes of a run: it was applied, or a newer commit was recorded before."""

is_clean_run = sa.and_(~runs.c.is_dirty, runs.c.outcome == APPLIED)
"""The run recorded exactly the content of its commit."""


class RunRepository:
    """Reads in the transaction of a connection: all results are of one state."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def recorded_commits(self, *roots: str) -> set[str]:
        """Read the commits that clean runs of a tree recorded, by all its names."""
        query = sa.select(runs.c.commit_id).where(runs.c.root.in_(roots), is_clean_run, runs.c.commit_id.is_not(None))
        return set(self._connection.execute(query).scalars())

    def run_recorded(self, root: str, git_ref: str | None, commit_id: str) -> bool:
        """Check for a clean run of a commit on a branch."""
        same = (runs.c.root == root, runs.c.git_ref.is_not_distinct_from(git_ref), runs.c.commit_id == commit_id)
        query = sa.select(sa.exists().where(*same, is_clean_run))
        return bool(self._connection.execute(query).scalar())

    def source_heads(self, *roots: str) -> dict[str, RecordedHead]:
        """Read the newest commit that was synced from each ref of a tree. The first of several names counts."""
        query = sa.select(source_heads).where(source_heads.c.root.in_(roots))
        rows = sorted(self._connection.execute(query), key=lambda row: -roots.index(row.root))
        return {row.git_ref: RecordedHead(row.commit_id, row.run_id) for row in rows}

    def absent(self) -> set[UUID]:
        """Read the ids of the prompts without a file in the newest clean run."""
        query = sa.select(absences.c.prompt_id).where(absences.c.until_run_id.is_(None))
        return set(self._connection.execute(query).scalars())

    def newest_clean_commit(self, *roots: str) -> str | None:
        """Read the commit of the newest clean run of a tree, by all its names."""
        query = sa.select(runs.c.commit_id).where(runs.c.root.in_(roots), is_clean_run, runs.c.commit_id.is_not(None))
        return self._connection.execute(query.order_by(runs.c.id.desc()).limit(1)).scalar()

    def newest_commit(self) -> str | None:
        """Read the commit of the newest run. None if there is no run, or if it was not clean."""
        query = sa.select(runs.c.commit_id, runs.c.is_dirty).where(runs.c.outcome == APPLIED).order_by(runs.c.id.desc())
        row = self._connection.execute(query.limit(1)).first()
        return row.commit_id if row is not None and not row.is_dirty else None
