"""The generation of a registry, and of each name that gives another version since then."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
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
    for name in ("generation", "changed_all"):
        op.add_column("registries", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    for name in ("changed_all", "generation"):
        op.drop_column("registries", name)
    op.drop_table("prompt_changes")
