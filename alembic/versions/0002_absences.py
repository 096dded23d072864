"""The sync runs between which a prompt had no file, so that `git:` finds nothing in a commit without the file."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "prompt_absences",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.Uuid(), nullable=False),
        sa.Column("from_run_id", sa.Integer(), nullable=False),
        sa.Column("until_run_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name=op.f("fk_prompt_absences_prompt_id")),
        sa.ForeignKeyConstraint(["from_run_id"], ["sync_runs.id"], name=op.f("fk_prompt_absences_from_run_id")),
        sa.ForeignKeyConstraint(["until_run_id"], ["sync_runs.id"], name=op.f("fk_prompt_absences_until_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt_absences")),
    )
    op.create_index(op.f("ix_prompt_absences_prompt_id"), "prompt_absences", ["prompt_id"])


def downgrade() -> None:
    op.drop_table("prompt_absences")
