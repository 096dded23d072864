"""The schema, as tables of SQLAlchemy's Core. Alembic alone creates it: a change here needs a migration.

A test compares the two. Nothing here needs SQLModel or the ORM: to import them takes longer than most commands run. The
rows as SQLModel classes are in `tables`. What only one kind of database has is in the migrations alone, such as the condition
of an index or SQLite's AUTOINCREMENT: said here, it would load the dialects of both in every process.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from promptdb.domain.prompt_id import MAX_IDENTITY, MAX_SEGMENT
from promptdb.domain.refs import MAX_LABEL
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


_DIGEST_LENGTH = len("sha256:") + 64
_ACTOR = sa.String(255)
_COMMIT = sa.String(64)

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every constraint has a name, so that migrations can refer to it."""

_column = partial(sa.Column, nullable=False)
_optional = partial(sa.Column, nullable=True)


def _number() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _key(name: str, target: sa.Table, *, nullable: bool = False) -> sa.Column[Any]:
    """A foreign key to the id of a table."""
    return sa.Column(name, target.c.id.type, sa.ForeignKey(target.c.id), nullable=nullable)


prompts = sa.Table(
    "prompts",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    _column("namespace", sa.String(MAX_IDENTITY)),
    _column("name", sa.String(MAX_SEGMENT)),
    _column("created_at", UtcDateTime),
    _optional("archived_at", UtcDateTime),
    sa.UniqueConstraint("namespace", "name"),
)
# Immutable: triggers refuse UPDATE and DELETE.
versions = sa.Table(
    "prompt_versions",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    _key("prompt_id", prompts),
    _column("revision", sa.Integer),
    _optional("user_version", sa.String(MAX_LABEL)),
    _column("spec_json", sa.Text),
    _column("spec_hash", sa.String(_DIGEST_LENGTH)),
    _column("created_by", _ACTOR),
    _column("created_at", UtcDateTime),
    sa.UniqueConstraint("prompt_id", "revision"),
    sa.UniqueConstraint("prompt_id", "id"),  # the target of the aliases' composite key
    sa.Index("ix_prompt_versions_user_version", "prompt_id", "user_version"),
    sa.CheckConstraint("revision >= 1", name="revision_from_one"),
)
# `generation` counts the moves, so that a compare-and-set also sees a pointer that went away and came back.
aliases = sa.Table(
    "prompt_aliases",
    metadata,
    _number(),
    _key("prompt_id", prompts),
    _column("alias", sa.String(MAX_LABEL)),
    _column("version_id", RowId),
    _column("generation", sa.Integer),
    _column("updated_at", UtcDateTime),
    sa.UniqueConstraint("prompt_id", "alias"),
    sa.ForeignKeyConstraint(["prompt_id", "version_id"], [versions.c.prompt_id, versions.c.id]),
    sa.Index(None, "version_id"),
)
# The blobs of versions: one bundle each, and the assets.
assets = sa.Table(
    "prompt_assets",
    metadata,
    _number(),
    _key("version_id", versions),
    _column("kind", sa.String(32)),
    _column("storage_backend", sa.String(32)),
    _column("bucket", sa.String(255)),
    _column("object_key", sa.String(1024)),
    _column("content_type", sa.String(255)),
    _column("byte_size", sa.BigInteger),
    _column("checksum_sha256", sa.String(64)),
    _column("metadata_json", sa.Text),
    _column("created_at", UtcDateTime),
    sa.Index(None, "version_id"),
)
# Syncs that wrote something, saw a new commit, or came too late. Ids grow: they give the runs their order.
runs = sa.Table(
    "sync_runs",
    metadata,
    _number(),
    _column("root", sa.String(1024)),
    _optional("git_ref", sa.String(255)),
    _optional("commit_id", _COMMIT),
    _column("is_dirty", sa.Boolean),
    _column("outcome", sa.String(32)),
    _column("counts_json", sa.Text),
    _column("created_by", _ACTOR),
    _column("started_at", UtcDateTime),
    _column("finished_at", UtcDateTime),
    sa.Index(None, "commit_id"),
)
# Where versions came from; one may be in many commits.
sources = sa.Table(
    "version_sources",
    metadata,
    _number(),
    _key("version_id", versions),
    _key("run_id", runs),
    _column("path", sa.String(1024)),
    _optional("commit_id", _COMMIT),
    _optional("branch", sa.String(255)),
    _optional("author", sa.String(255)),
    _optional("committed_at", UtcDateTime),
    _optional("blob_id", sa.String(64)),
    _column("is_dirty", sa.Boolean),
    sa.Index(None, "version_id"),
)
# Prompts without a valid file from one clean run on, until before another one, or up to now.
absences = sa.Table(
    "prompt_absences",
    metadata,
    _number(),
    _key("prompt_id", prompts),
    _key("from_run_id", runs),
    _key("until_run_id", runs, nullable=True),
    sa.Index(None, "prompt_id"),
)
# Append-only, by trigger. `to_version_id` is null where an alias was deleted. `breaking_json` holds the breaking changes
# that a move of a protected alias was allowed, and is null where there were none.
events = sa.Table(
    "alias_events",
    metadata,
    _number(),
    _key("prompt_id", prompts),
    _column("alias", sa.String(MAX_LABEL)),
    _column("action", sa.String(16)),
    _key("from_version_id", versions, nullable=True),
    _key("to_version_id", versions, nullable=True),
    _column("generation", sa.Integer),
    _column("actor", _ACTOR),
    _optional("reason", sa.Text),
    _key("run_id", runs, nullable=True),
    _column("created_at", UtcDateTime),
    _optional("breaking_json", sa.Text),
    sa.Index(None, "prompt_id", "alias"),
)
# The newest commit that was synced from a git ref: a branch, a pattern of tags, or `HEAD` where none is named.
source_heads = sa.Table(
    "source_heads",
    metadata,
    sa.Column("root", sa.String(512), primary_key=True),
    sa.Column("git_ref", sa.String(255), primary_key=True),
    _column("commit_id", _COMMIT),
    _key("run_id", runs),
    _column("updated_at", UtcDateTime),
)
# Earlier names, which still find their prompts.
redirects = sa.Table(
    "prompt_redirects",
    metadata,
    sa.Column("namespace", sa.String(MAX_IDENTITY), primary_key=True),
    sa.Column("name", sa.String(MAX_SEGMENT), primary_key=True),
    _key("prompt_id", prompts),
    _column("created_at", UtcDateTime),
    sa.Index(None, "prompt_id"),
)
# One row, made with the schema. A blob store knows by its id whose blobs it has; copies of the database share it. `gc_turn` is
# even while writers rely on the blobs they saw, and odd while gc may delete blobs: see `sync.uploads`.
registries = sa.Table(
    "registries",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    _column("created_at", UtcDateTime),
    _column("gc_turn", sa.Integer),
)
