"""The generation of a registry, and of each name that gives another version since then."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "prompt_changes",
        sa.Column("namespace", sa.String(512), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "name", name=op.f("pk_prompt_changes")),
    )
    op.create_index(op.f("ix_prompt_changes_generation"), "prompt_changes", ["generation"])
    op.create_table(
        "generations",
        sa.Column("registry_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("changed_all", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["registry_id"], ["registries.id"], name=op.f("fk_generations_registry_id")),
        sa.PrimaryKeyConstraint("registry_id", name=op.f("pk_generations")),
    )
    op.execute("INSERT INTO generations (registry_id, number, changed_all) SELECT id, 0, 0 FROM registries")


def downgrade() -> None:
    op.drop_table("generations")
    op.drop_table("prompt_changes")
