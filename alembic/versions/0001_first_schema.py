"""The first schema: prompts, versions with their sources, aliases with their history, blobs and runs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

IMMUTABLE = {
    "prompt_versions": "versions are immutable",
    "alias_events": "the history of aliases is append-only",
}
# Rows that INSERT OR REPLACE of SQLite would replace, without firing the other triggers.
KEYS = {
    "prompt_versions": "id = NEW.id OR (prompt_id = NEW.prompt_id AND revision = NEW.revision)",
    "alias_events": "id = NEW.id",
}


def upgrade() -> None:
    op.create_table(
        "prompts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("namespace", sa.String(512), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompts")),
        sa.UniqueConstraint("namespace", "name", name=op.f("uq_prompts_namespace_name")),
    )
    op.create_table(
        "sync_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(1024), nullable=False),
        sa.Column("git_ref", sa.String(255), nullable=True),
        sa.Column("commit_id", sa.String(64), nullable=True),
        sa.Column("is_dirty", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("counts_json", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_runs")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_sync_runs_commit_id"), "sync_runs", ["commit_id"], unique=False)
    op.create_table(
        "prompt_redirects",
        sa.Column("namespace", sa.String(512), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("prompt_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name=op.f("fk_prompt_redirects_prompt_id")),
        sa.PrimaryKeyConstraint("namespace", "name", name=op.f("pk_prompt_redirects")),
    )
    op.create_index(op.f("ix_prompt_redirects_prompt_id"), "prompt_redirects", ["prompt_id"], unique=False)
    op.create_table(
        "prompt_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("prompt_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("user_version", sa.String(128), nullable=True),
        sa.Column("spec_json", sa.Text(), nullable=False),
        sa.Column("spec_hash", sa.String(71), nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_prompt_versions_revision_from_one")),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name=op.f("fk_prompt_versions_prompt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt_versions")),
        sa.UniqueConstraint("prompt_id", "id", name=op.f("uq_prompt_versions_prompt_id_id")),
        sa.UniqueConstraint("prompt_id", "revision", name=op.f("uq_prompt_versions_prompt_id_revision")),
    )
    op.create_index(
        "ix_prompt_versions_user_version",
        "prompt_versions",
        ["prompt_id", "user_version"],
        sqlite_where=sa.text("user_version IS NOT NULL"),
        postgresql_where=sa.text("user_version IS NOT NULL"),
    )
    op.create_table(
        "source_heads",
        sa.Column("root", sa.String(512), nullable=False),
        sa.Column("git_ref", sa.String(255), nullable=False),
        sa.Column("commit_id", sa.String(64), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["sync_runs.id"], name=op.f("fk_source_heads_run_id")),
        sa.PrimaryKeyConstraint("root", "git_ref", name=op.f("pk_source_heads")),
    )
    op.create_table(
        "alias_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.Uuid(), nullable=False),
        sa.Column("alias", sa.String(128), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("from_version_id", sa.Uuid(), nullable=True),
        sa.Column("to_version_id", sa.Uuid(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["from_version_id"], ["prompt_versions.id"], name=op.f("fk_alias_events_from_version_id")
        ),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name=op.f("fk_alias_events_prompt_id")),
        sa.ForeignKeyConstraint(["run_id"], ["sync_runs.id"], name=op.f("fk_alias_events_run_id")),
        sa.ForeignKeyConstraint(["to_version_id"], ["prompt_versions.id"], name=op.f("fk_alias_events_to_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alias_events")),
    )
    op.create_index(op.f("ix_alias_events_prompt_id_alias"), "alias_events", ["prompt_id", "alias"], unique=False)
    op.create_table(
        "prompt_aliases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.Uuid(), nullable=False),
        sa.Column("alias", sa.String(128), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["prompt_id", "version_id"],
            ["prompt_versions.prompt_id", "prompt_versions.id"],
            name=op.f("fk_prompt_aliases_prompt_id_version_id"),
        ),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name=op.f("fk_prompt_aliases_prompt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt_aliases")),
        sa.UniqueConstraint("prompt_id", "alias", name=op.f("uq_prompt_aliases_prompt_id_alias")),
    )
    op.create_index(op.f("ix_prompt_aliases_version_id"), "prompt_aliases", ["version_id"], unique=False)
    op.create_table(
        "prompt_assets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("storage_backend", sa.String(32), nullable=False),
        sa.Column("bucket", sa.String(255), nullable=False),
        sa.Column("object_key", sa.String(1024), nullable=False),
        sa.Column("content_type", sa.String(255), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("checksum_sha256", sa.String(64), nullable=False),
        sa.Column("metadata_json", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["prompt_versions.id"], name=op.f("fk_prompt_assets_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt_assets")),
    )
    op.create_index(op.f("ix_prompt_assets_version_id"), "prompt_assets", ["version_id"], unique=False)
    op.create_table(
        "version_sources",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(1024), nullable=False),
        sa.Column("commit_id", sa.String(64), nullable=True),
        sa.Column("branch", sa.String(255), nullable=True),
        sa.Column("author", sa.String(255), nullable=True),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blob_id", sa.String(64), nullable=True),
        sa.Column("is_dirty", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["sync_runs.id"], name=op.f("fk_version_sources_run_id")),
        sa.ForeignKeyConstraint(["version_id"], ["prompt_versions.id"], name=op.f("fk_version_sources_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version_sources")),
    )
    op.create_index(op.f("ix_version_sources_version_id"), "version_sources", ["version_id"], unique=False)
    for table, reason in IMMUTABLE.items():
        _refuse_changes(table, reason)


def downgrade() -> None:
    op.drop_table("version_sources")
    op.drop_table("prompt_assets")
    op.drop_table("prompt_aliases")
    op.drop_table("alias_events")
    op.drop_table("source_heads")
    op.drop_table("prompt_versions")
    op.drop_table("prompt_redirects")
    op.drop_table("sync_runs")
    op.drop_table("prompts")
    if op.get_bind().dialect.name == "postgresql":
        for table in IMMUTABLE:
            op.execute(f"DROP FUNCTION {table}_refuse_change()")


def _refuse_changes(table: str, reason: str) -> None:
    """Create triggers that keep every client from rewriting history."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608  constants of this file
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {KEYS[table]}) "
            f"BEGIN SELECT RAISE(ABORT, '{reason}, ids and revisions unique'); END"
        )
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{reason}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{reason}'; END $$"
    )
    for event, level in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER {table}_no_{event.split()[0].lower()} BEFORE {event} ON {table} "
            f"FOR EACH {level} EXECUTE FUNCTION {table}_refuse_change()"
        )
