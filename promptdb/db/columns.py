"""The schema as tables of SQLAlchemy Core.

Only Alembic creates the schema, so a change here needs a migration. A test compares the two. Details of one database, such as
the condition of an index or SQLite's AUTOINCREMENT, are in the migrations only: here they would load both dialects in every
process. `tables` has the rows as SQLModel classes: to import SQLModel takes longer than most commands run.
"""

from functools import partial
from typing import Any

import sqlalchemy as sa

from promptdb.db.column_types import RowId, UtcDateTime
from promptdb.domain.prompt_id import MAX_IDENTITY, MAX_SEGMENT
from promptdb.domain.refs import MAX_LABEL
from promptdb.domain.tokens import MAX_NAME as MAX_TOKEN_NAME

_DIGEST_LENGTH = len("sha256:") + 64
_ACTOR = sa.String(255)
_COMMIT = sa.String(64)

# Every constraint has a name, so that migrations can refer to it.
metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_column = partial(sa.Column, nullable=False)
_optional = partial(sa.Column, nullable=True)


def _number() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _key(name: str, target: sa.Table, *, nullable: bool = False) -> sa.Column[Any]:
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
# `generation` counts the moves: a compare-and-set also notices an alias that moved away and back.
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
# The blobs of versions: one bundle for each version, and its assets.
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
# Syncs that wrote something, saw a new commit, or were superseded. Ids grow, and so give the order of the runs.
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
# The files and commits that versions came from. A version may have many.
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
# Prompts without a valid file: from one clean run until just before another, or until now.
absences = sa.Table(
    "prompt_absences",
    metadata,
    _number(),
    _key("prompt_id", prompts),
    _key("from_run_id", runs),
    _key("until_run_id", runs, nullable=True),
    sa.Index(None, "prompt_id"),
)
# Append-only, by trigger. `to_version_id` is null if the alias was deleted. `breaking_json` has the breaking changes that a
# move of a protected alias was allowed to make.
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
# The newest commit that was synced from a git ref: a branch, a pattern of tags, or `HEAD`.
source_heads = sa.Table(
    "source_heads",
    metadata,
    sa.Column("root", sa.String(512), primary_key=True),
    sa.Column("git_ref", sa.String(255), primary_key=True),
    _column("commit_id", _COMMIT),
    _key("run_id", runs),
    _column("updated_at", UtcDateTime),
)
# The version that git gives an alias, as the last sync of `root` and `git_ref` recorded it. `selector` and `line` are those of
# `_aliases.yaml`, and null if the setting `refs` moves the alias. An alias that was moved by hand since is held.
git_targets = sa.Table(
    "git_targets",
    metadata,
    sa.Column("prompt_id", prompts.c.id.type, sa.ForeignKey(prompts.c.id), primary_key=True),
    sa.Column("alias", sa.String(MAX_LABEL), primary_key=True),
    _column("version_id", RowId),
    _column("root", sa.String(1024)),
    _column("git_ref", sa.String(255)),
    _optional("selector", sa.Text),
    _optional("line", sa.Integer),
    sa.ForeignKeyConstraint(["prompt_id", "version_id"], [versions.c.prompt_id, versions.c.id]),
)
# Earlier names of prompts. References by them still work.
redirects = sa.Table(
    "prompt_redirects",
    metadata,
    sa.Column("namespace", sa.String(MAX_IDENTITY), primary_key=True),
    sa.Column("name", sa.String(MAX_SEGMENT), primary_key=True),
    _key("prompt_id", prompts),
    _column("created_at", UtcDateTime),
    sa.Index(None, "prompt_id"),
)
# One row, created with the schema. Blob stores note its id to know their owners; copies of the database share it. `gc_turn`
# is even while writers rely on the blobs they saw, and odd while gc may delete blobs: see `registry.uploads`.
registries = sa.Table(
    "registries",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    _column("created_at", UtcDateTime),
    _column("gc_turn", sa.Integer),
)
# One row. `changed_all` is the last generation in which any prompt may have changed.
generations = sa.Table(
    "generations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _column("number", sa.Integer),
    _column("changed_all", sa.Integer),
)
# Names of prompts, earlier ones too, and the last generation in which each gave another version.
changes = sa.Table(
    "prompt_changes",
    metadata,
    sa.Column("namespace", sa.String(MAX_IDENTITY), primary_key=True),
    sa.Column("name", sa.String(MAX_SEGMENT), primary_key=True),
    _column("generation", sa.Integer, index=True),
)
# Rows stay when tokens end, so that a registry which had a token never serves without one again. `token_hash` is the SHA-256.
tokens = sa.Table(
    "api_tokens",
    metadata,
    _number(),
    _column("name", sa.String(MAX_TOKEN_NAME)),
    _column("token_hash", sa.String(64)),
    _column("last_four", sa.String(4)),
    _column("scopes_json", sa.Text),
    _column("created_by", _ACTOR),
    _column("created_at", UtcDateTime),
    _optional("expires_at", UtcDateTime),
    _optional("revoked_at", UtcDateTime),
    _optional("last_used_at", UtcDateTime),
    sa.UniqueConstraint("name"),
    sa.UniqueConstraint("token_hash"),
)
# Answers to requests that a client may repeat. `token_id` is 0 without a token: null would not be unique. `status` and
# `answer_json` are null while the first request runs.
idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("token_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.String(255), primary_key=True),
    _column("fingerprint", sa.String(64)),
    _optional("status", sa.Integer),
    _optional("answer_json", sa.Text),
    _column("created_at", UtcDateTime, index=True),
)
# Receivers of events. `events` has their types between commas, and is empty for all. The secrets are stored as they are,
# because they sign; `previous_secret` signs too, until `previous_until`. Until `rests_until` nothing is sent.
webhooks = sa.Table(
    "webhooks",
    metadata,
    _number(),
    _column("url", sa.String(2048)),
    _column("events", sa.Text),
    _column("namespace", sa.String(MAX_IDENTITY)),
    _column("secret", sa.String(128)),
    _optional("previous_secret", sa.String(128)),
    _optional("previous_until", UtcDateTime),
    _column("created_by", _ACTOR),
    _column("created_at", UtcDateTime),
    _optional("rests_until", UtcDateTime),
    _optional("disabled_at", UtcDateTime),
    _optional("disabled_reason", sa.String(255)),
)
# The promise to send an event, written in the transaction of the change, and what became of it. `due_at` is null once there are
# no more attempts. A worker that sends one moves `due_at` to the time from which others may.
deliveries = sa.Table(
    "webhook_deliveries",
    metadata,
    _number(),
    _key("webhook_id", webhooks),
    _column("message_id", sa.String(64)),
    _column("event", sa.String(64)),
    _optional("prompt", sa.String(MAX_IDENTITY)),
    _column("body", sa.Text),
    _column("state", sa.String(16)),
    _column("attempts", sa.Integer),
    _column("created_at", UtcDateTime),
    _optional("due_at", UtcDateTime),
    _optional("attempted_at", UtcDateTime),
    _optional("status", sa.Integer),
    _optional("error", sa.String(255)),
    sa.Index(None, "due_at"),
    sa.Index("ix_webhook_deliveries_webhook_id", "webhook_id", "id"),
)
