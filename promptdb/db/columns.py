"""The columns of the tables, for queries through Core. A test holds them against `tables.py`, which is the schema.

The classes there need SQLModel and the ORM: to load them takes longer than most commands run.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from promptdb.errors import IntegrityFailure

_Read = Callable[[Any], Any]


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in UTC, also from SQLite, which forgets the zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> _Read | None:
        return _or_refuse(super().result_processor(dialect, coltype), "a time")


class RowId(sa.Uuid[UUID]):
    """UUIDs. SQLite keeps them as text, which an edit can make into anything."""

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> _Read | None:
        read: _Read | None = super().result_processor(dialect, coltype)  # type: ignore[no-untyped-call]
        return _or_refuse(read, "an id")


def _or_refuse(read: _Read | None, what: str) -> _Read | None:
    """What reads the values of a column, with the errors of Python restated: the statement that it runs in cannot tell them
    from mistakes of ours.
    """
    if read is None:
        return None

    def read_or_refuse(value: Any) -> Any:
        try:
            return read(value)
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise IntegrityFailure(
                f"a row of the database has {value!r} where {what} should be", "see: promptdb verify"
            ) from error

    return read_or_refuse


_ID, _TEXT, _FLAG, _TIME = RowId(), sa.String(), sa.Boolean(), UtcDateTime()
_NUMBER, _SIZE = sa.Integer(), sa.BigInteger()


def _table(name: str, /, **columns: sa.types.TypeEngine[Any]) -> sa.Table:
    """A table by its columns; `id` is its primary key."""
    return sa.Table(
        name, sa.MetaData(), *(sa.Column(key, kind, primary_key=key == "id") for key, kind in columns.items())
    )


prompts = _table("prompts", id=_ID, namespace=_TEXT, name=_TEXT, created_at=_TIME, archived_at=_TIME)
versions = _table(
    "prompt_versions",
    id=_ID,
    prompt_id=_ID,
    revision=_NUMBER,
    user_version=_TEXT,
    spec_json=_TEXT,
    spec_hash=_TEXT,
    created_by=_TEXT,
    created_at=_TIME,
)
aliases = _table(
    "prompt_aliases", id=_NUMBER, prompt_id=_ID, alias=_TEXT, version_id=_ID, generation=_NUMBER, updated_at=_TIME
)
assets = _table(
    "prompt_assets",
    id=_NUMBER,
    version_id=_ID,
    kind=_TEXT,
    storage_backend=_TEXT,
    bucket=_TEXT,
    object_key=_TEXT,
    content_type=_TEXT,
    byte_size=_SIZE,
    checksum_sha256=_TEXT,
    metadata_json=_TEXT,
    created_at=_TIME,
)
sources = _table(
    "version_sources",
    id=_NUMBER,
    version_id=_ID,
    run_id=_NUMBER,
    path=_TEXT,
    commit_id=_TEXT,
    branch=_TEXT,
    author=_TEXT,
    committed_at=_TIME,
    blob_id=_TEXT,
    is_dirty=_FLAG,
)
runs = _table(
    "sync_runs",
    id=_NUMBER,
    root=_TEXT,
    git_ref=_TEXT,
    commit_id=_TEXT,
    is_dirty=_FLAG,
    outcome=_TEXT,
    counts_json=_TEXT,
    created_by=_TEXT,
    started_at=_TIME,
    finished_at=_TIME,
)
events = _table(
    "alias_events",
    id=_NUMBER,
    prompt_id=_ID,
    alias=_TEXT,
    action=_TEXT,
    from_version_id=_ID,
    to_version_id=_ID,
    generation=_NUMBER,
    actor=_TEXT,
    reason=_TEXT,
    run_id=_NUMBER,
    created_at=_TIME,
    breaking_json=_TEXT,
)
redirects = _table("prompt_redirects", namespace=_TEXT, name=_TEXT, prompt_id=_ID, created_at=_TIME)
absences = _table("prompt_absences", id=_NUMBER, prompt_id=_ID, from_run_id=_NUMBER, until_run_id=_NUMBER)
source_heads = _table("source_heads", root=_TEXT, git_ref=_TEXT, commit_id=_TEXT, run_id=_NUMBER, updated_at=_TIME)
registries = _table("registries", id=_ID, created_at=_TIME)
collections = _table("collections", id=_NUMBER, blobs=_NUMBER, bytes=_SIZE, created_by=_TEXT, created_at=_TIME)
