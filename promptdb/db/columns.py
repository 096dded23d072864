"""The schema as tables of SQLAlchemy Core.

Only Alembic creates the schema, so a change here needs a migration. A test compares the two. Details of one database, such as
the condition of an index or SQLite's AUTOINCREMENT, are in the migrations only: here they would load both dialects in every
process. `tables` has the rows as SQLModel classes: to import SQLModel takes longer than most commands run.
"""

import sqlalchemy as sa

from promptdb.db import access_columns  # noqa: F401  # for `metadata`, which has all tables
from promptdb.db.column_types import ACTOR, RowId, UtcDateTime, key_of, numbered, optional, required
from promptdb.db.column_types import metadata as metadata
from promptdb.domain.prompt_id import MAX_IDENTITY, MAX_SEGMENT
from promptdb.domain.refs import MAX_LABEL

_DIGEST_LENGTH = len("sha256:") + 64
_COMMIT = sa.String(64)

prompts = sa.Table(
    "prompts",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    required("namespace", sa.String(MAX_IDENTITY)),
    required("name", sa.String(MAX_SEGMENT)),
    required("created_at", UtcDateTime),
    optional("archived_at", UtcDateTime),
    sa.UniqueConstraint("namespace", "name"),
)
# Immutable: triggers refuse UPDATE and DELETE.
versions = sa.Table(
    "prompt_versions",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    key_of("prompt_id", prompts),
    required("revision", sa.Integer),
    optional("user_version", sa.String(MAX_LABEL)),
    required("spec_json", sa.Text),
    required("spec_hash", sa.String(_DIGEST_LENGTH)),
    required("created_by", ACTOR),
    required("created_at", UtcDateTime),
    sa.UniqueConstraint("prompt_id", "revision"),
    sa.UniqueConstraint("prompt_id", "id"),  # the target of the aliases' composite key
    sa.Index("ix_prompt_versions_user_version", "prompt_id", "user_version"),
    sa.CheckConstraint("revision >= 1", name="revision_from_one"),
)
# `generation` counts the moves: a compare-and-set also notices an alias that moved away and back. `split_json` has the arms of
# a traffic split, whose control is `version_id`.
aliases = sa.Table(
    "prompt_aliases",
    metadata,
    numbered(),
    key_of("prompt_id", prompts),
    required("alias", sa.String(MAX_LABEL)),
    required("version_id", RowId),
    required("generation", sa.Integer),
    required("updated_at", UtcDateTime),
    optional("split_json", sa.Text),
    sa.UniqueConstraint("prompt_id", "alias"),
    sa.ForeignKeyConstraint(["prompt_id", "version_id"], [versions.c.prompt_id, versions.c.id]),
    sa.Index(None, "version_id"),
)
# The blobs of versions: one bundle for each version, and its assets.
assets = sa.Table(
    "prompt_assets",
    metadata,
    numbered(),
    key_of("version_id", versions),
    required("kind", sa.String(32)),
    required("storage_backend", sa.String(32)),
    required("bucket", sa.String(255)),
    required("object_key", sa.String(1024)),
    required("content_type", sa.String(255)),
    required("byte_size", sa.BigInteger),
    required("checksum_sha256", sa.String(64)),
    required("metadata_json", sa.Text),
    required("created_at", UtcDateTime),
    sa.Index(None, "version_id"),
)
# Syncs that wrote something, saw a new commit, or were superseded. Ids grow, and so give the order of the runs.
runs = sa.Table(
    "sync_runs",
    metadata,
    numbered(),
    required("root", sa.String(1024)),
    optional("git_ref", sa.String(255)),
    optional("commit_id", _COMMIT),
    required("is_dirty", sa.Boolean),
    required("outcome", sa.String(32)),
    required("counts_json", sa.Text),
    required("created_by", ACTOR),
    required("started_at", UtcDateTime),
    required("finished_at", UtcDateTime),
    sa.Index(None, "commit_id"),
)
# The files and commits that versions came from. A version may have many.
sources = sa.Table(
    "version_sources",
    metadata,
    numbered(),
    key_of("version_id", versions),
    key_of("run_id", runs),
    required("path", sa.String(1024)),
    optional("commit_id", _COMMIT),
    optional("branch", sa.String(255)),
    optional("author", sa.String(255)),
    optional("committed_at", UtcDateTime),
    optional("blob_id", sa.String(64)),
    required("is_dirty", sa.Boolean),
    sa.Index(None, "version_id"),
)
# Prompts without a valid file: from one clean run until just before another, or until now.
absences = sa.Table(
    "prompt_absences",
    metadata,
    numbered(),
    key_of("prompt_id", prompts),
    key_of("from_run_id", runs),
    key_of("until_run_id", runs, nullable=True),
    sa.Index(None, "prompt_id"),
)
# Append-only, by trigger. `to_version_id` is null if the alias was deleted. `breaking_json` has the breaking changes that a
# move of a protected alias was allowed to make. `split_json` is that of the alias after the move.
events = sa.Table(
    "alias_events",
    metadata,
    numbered(),
    key_of("prompt_id", prompts),
    required("alias", sa.String(MAX_LABEL)),
    required("action", sa.String(16)),
    key_of("from_version_id", versions, nullable=True),
    key_of("to_version_id", versions, nullable=True),
    required("generation", sa.Integer),
    required("actor", ACTOR),
    optional("reason", sa.Text),
    key_of("run_id", runs, nullable=True),
    required("created_at", UtcDateTime),
    optional("breaking_json", sa.Text),
    optional("split_json", sa.Text),
    sa.Index(None, "prompt_id", "alias"),
)
# The newest commit that was synced from a git ref: a branch, a pattern of tags, or `HEAD`.
source_heads = sa.Table(
    "source_heads",
    metadata,
    sa.Column("root", sa.String(512), primary_key=True),
    sa.Column("git_ref", sa.String(255), primary_key=True),
    required("commit_id", _COMMIT),
    key_of("run_id", runs),
    required("updated_at", UtcDateTime),
)
# The version that git gives an alias, as the last sync of `root` and `git_ref` recorded it. `selector` and `line` are those of
# `_aliases.yaml`, and null if the setting `refs` moves the alias. An alias that was moved by hand since is held.
git_targets = sa.Table(
    "git_targets",
    metadata,
    sa.Column("prompt_id", prompts.c.id.type, sa.ForeignKey(prompts.c.id), primary_key=True),
    sa.Column("alias", sa.String(MAX_LABEL), primary_key=True),
    required("version_id", RowId),
    required("root", sa.String(1024)),
    required("git_ref", sa.String(255)),
    optional("selector", sa.Text),
    optional("line", sa.Integer),
    optional("split_json", sa.Text),
    sa.ForeignKeyConstraint(["prompt_id", "version_id"], [versions.c.prompt_id, versions.c.id]),
)
# Earlier names of prompts. References by them still work.
redirects = sa.Table(
    "prompt_redirects",
    metadata,
    sa.Column("namespace", sa.String(MAX_IDENTITY), primary_key=True),
    sa.Column("name", sa.String(MAX_SEGMENT), primary_key=True),
    key_of("prompt_id", prompts),
    required("created_at", UtcDateTime),
    sa.Index(None, "prompt_id"),
)
# One row, created with the schema. Blob stores note its id to know their owners; copies of the database share it. `gc_turn`
# is even while writers rely on the blobs they saw, and odd while gc may delete blobs: see `registry.uploads`.
registries = sa.Table(
    "registries",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    required("created_at", UtcDateTime),
    required("gc_turn", sa.Integer),
)
# One row. `changed_all` is the last generation in which any prompt may have changed.
generations = sa.Table(
    "generations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    required("number", sa.Integer),
    required("changed_all", sa.Integer),
)
# Names of prompts, earlier ones too, and the last generation in which each gave another version.
changes = sa.Table(
    "prompt_changes",
    metadata,
    sa.Column("namespace", sa.String(MAX_IDENTITY), primary_key=True),
    sa.Column("name", sa.String(MAX_SEGMENT), primary_key=True),
    required("generation", sa.Integer, index=True),
)
