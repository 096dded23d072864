"""The schema as SQLModel tables. Alembic alone creates it: a change here needs a migration, and a test compares the two.

`table=True` classes do not validate: rows are storage, and `PromptSpec` is the truth about what is in them.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from promptdb.db.columns import RowId, UtcDateTime
from promptdb.domain.identity import MAX_IDENTITY, MAX_SEGMENT
from promptdb.domain.refs import MAX_LABEL

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
DIGEST_LENGTH = len("sha256:") + 64


class Table(SQLModel):
    """Base of the tables, with names for every constraint so that migrations can refer to them."""

    metadata: ClassVar[sa.MetaData] = sa.MetaData(naming_convention=_NAMING)


def _key(target: str, **options: Any) -> Any:
    return Field(sa_column_args=[sa.ForeignKey(target)], **options)


class Prompt(Table, table=True):
    __tablename__ = "prompts"
    __table_args__ = (sa.UniqueConstraint("namespace", "name"),)

    id: UUID = Field(primary_key=True, sa_type=RowId)
    namespace: str = Field(max_length=MAX_IDENTITY)
    name: str = Field(max_length=MAX_SEGMENT)
    created_at: datetime = Field(sa_type=UtcDateTime)
    archived_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PromptVersion(Table, table=True):
    """Immutable: triggers refuse UPDATE and DELETE."""

    __tablename__ = "prompt_versions"
    __table_args__ = (
        sa.UniqueConstraint("prompt_id", "revision"),
        sa.UniqueConstraint("prompt_id", "id"),  # the target of the aliases' composite key
        # Of labelled versions only, as its migration says; said here, it would load both dialects in every process.
        sa.Index("ix_prompt_versions_user_version", "prompt_id", "user_version"),
        sa.CheckConstraint("revision >= 1", name="revision_from_one"),
    )

    id: UUID = Field(primary_key=True, sa_type=RowId)
    prompt_id: UUID = _key("prompts.id", sa_type=RowId)
    revision: int
    user_version: str | None = Field(default=None, max_length=MAX_LABEL)
    spec_json: str = Field(sa_type=sa.Text)
    spec_hash: str = Field(max_length=DIGEST_LENGTH)
    created_by: str = Field(max_length=255)
    created_at: datetime = Field(sa_type=UtcDateTime)


class PromptAlias(Table, table=True):
    """`generation` counts the moves, so that a compare-and-set also sees a pointer that went away and came back."""

    __tablename__ = "prompt_aliases"
    __table_args__ = (
        sa.UniqueConstraint("prompt_id", "alias"),
        sa.ForeignKeyConstraint(["prompt_id", "version_id"], ["prompt_versions.prompt_id", "prompt_versions.id"]),
        sa.Index(None, "version_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    prompt_id: UUID = _key("prompts.id", sa_type=RowId)
    alias: str = Field(max_length=MAX_LABEL)
    version_id: UUID = Field(sa_type=RowId)
    generation: int
    updated_at: datetime = Field(sa_type=UtcDateTime)


class PromptAsset(Table, table=True):
    """A blob that belongs to a version: its bundle, or one of its assets."""

    __tablename__ = "prompt_assets"
    __table_args__ = (sa.Index(None, "version_id"),)

    id: int | None = Field(default=None, primary_key=True)
    version_id: UUID = _key("prompt_versions.id", sa_type=RowId)
    kind: str = Field(max_length=32)
    storage_backend: str = Field(max_length=32)
    bucket: str = Field(max_length=255)
    object_key: str = Field(max_length=1024)
    content_type: str = Field(max_length=255)
    byte_size: int = Field(sa_type=sa.BigInteger)
    checksum_sha256: str = Field(max_length=64)
    metadata_json: str = Field(sa_type=sa.Text)
    created_at: datetime = Field(sa_type=UtcDateTime)


class SyncRun(Table, table=True):
    """One sync that wrote something, saw a new commit, or came too late. Ids grow: they give the runs their order."""

    __tablename__ = "sync_runs"
    __table_args__ = (sa.Index(None, "commit_id"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    root: str = Field(max_length=1024)
    git_ref: str | None = Field(default=None, max_length=255)
    commit_id: str | None = Field(default=None, max_length=64)
    is_dirty: bool
    outcome: str = Field(max_length=32)
    counts_json: str = Field(sa_type=sa.Text)
    created_by: str = Field(max_length=255)
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime = Field(sa_type=UtcDateTime)


class VersionSource(Table, table=True):
    """Where a version came from. One version may be in many commits."""

    __tablename__ = "version_sources"
    __table_args__ = (sa.Index(None, "version_id"),)

    id: int | None = Field(default=None, primary_key=True)
    version_id: UUID = _key("prompt_versions.id", sa_type=RowId)
    run_id: int = _key("sync_runs.id")
    path: str = Field(max_length=1024)
    commit_id: str | None = Field(default=None, max_length=64)
    branch: str | None = Field(default=None, max_length=255)
    author: str | None = Field(default=None, max_length=255)
    committed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    blob_id: str | None = Field(default=None, max_length=64)
    is_dirty: bool


class PromptAbsence(Table, table=True):
    """A prompt had no valid file from one clean run on, until before another one; with no end, up to now."""

    __tablename__ = "prompt_absences"
    __table_args__ = (sa.Index(None, "prompt_id"),)

    id: int | None = Field(default=None, primary_key=True)
    prompt_id: UUID = _key("prompts.id", sa_type=RowId)
    from_run_id: int = _key("sync_runs.id")
    until_run_id: int | None = _key("sync_runs.id", default=None)


class AliasEvent(Table, table=True):
    """Append-only, by trigger. `to_version_id` is null where an alias was deleted; `breaking_json` holds the breaking changes
    of the contract that a move of a protected alias was allowed, and is null where there were none.
    """

    __tablename__ = "alias_events"
    __table_args__ = (sa.Index(None, "prompt_id", "alias"),)

    id: int | None = Field(default=None, primary_key=True)
    prompt_id: UUID = _key("prompts.id", sa_type=RowId)
    alias: str = Field(max_length=MAX_LABEL)
    action: str = Field(max_length=16)
    from_version_id: UUID | None = _key("prompt_versions.id", default=None, sa_type=RowId)
    to_version_id: UUID | None = _key("prompt_versions.id", default=None, sa_type=RowId)
    generation: int
    actor: str = Field(max_length=255)
    reason: str | None = Field(default=None, sa_type=sa.Text)
    run_id: int | None = _key("sync_runs.id", default=None)
    created_at: datetime = Field(sa_type=UtcDateTime)
    breaking_json: str | None = Field(default=None, sa_type=sa.Text)


class SourceHead(Table, table=True):
    """The newest commit that was synced from a git ref: a branch, a pattern of tags, or `HEAD` where none is named."""

    __tablename__ = "source_heads"
    __table_args__ = (sa.PrimaryKeyConstraint("root", "git_ref"),)

    root: str = Field(max_length=512, primary_key=True)
    git_ref: str = Field(max_length=255, primary_key=True)
    commit_id: str = Field(max_length=64)
    run_id: int = _key("sync_runs.id")
    updated_at: datetime = Field(sa_type=UtcDateTime)


class PromptRedirect(Table, table=True):
    """An earlier name of a prompt, which still finds it."""

    __tablename__ = "prompt_redirects"
    __table_args__ = (sa.PrimaryKeyConstraint("namespace", "name"), sa.Index(None, "prompt_id"))

    namespace: str = Field(max_length=MAX_IDENTITY, primary_key=True)
    name: str = Field(max_length=MAX_SEGMENT, primary_key=True)
    prompt_id: UUID = _key("prompts.id", sa_type=RowId)
    created_at: datetime = Field(sa_type=UtcDateTime)


class RegistryIdentity(Table, table=True):
    """One row, made with the schema. A blob store knows by it whose blobs it has; copies of the database share it."""

    __tablename__ = "registries"

    id: UUID = Field(primary_key=True, sa_type=RowId)
    created_at: datetime = Field(sa_type=UtcDateTime)


class Collection(Table, table=True):
    """One batch of blobs that garbage collection removed: who relies on a blob that was there looks again after a new one."""

    __tablename__ = "collections"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int | None = Field(default=None, primary_key=True)
    blobs: int
    bytes: int = Field(sa_type=sa.BigInteger)
    created_by: str = Field(max_length=255)
    created_at: datetime = Field(sa_type=UtcDateTime)
