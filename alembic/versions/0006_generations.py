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
    generations = op.create_table(
        "generations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("changed_all", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generations")),
    )
    op.bulk_insert(generations, [{"id": 1, "number": 0, "changed_all": 0}])


def downgrade() -> None:
    op.drop_table("generations")
    op.drop_table("prompt_changes")
