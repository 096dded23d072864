"""The version that git gives each alias of a prompt. An alias that was moved by hand since is held."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "git_targets",
        sa.Column("prompt_id", sa.Uuid(), nullable=False),
        sa.Column("alias", sa.String(128), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("root", sa.String(1024), nullable=False),
        sa.Column("git_ref", sa.String(255), nullable=False),
        sa.Column("selector", sa.Text(), nullable=True),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["prompt_id", "version_id"],
            ["prompt_versions.prompt_id", "prompt_versions.id"],
            name=op.f("fk_git_targets_prompt_id_version_id"),
        ),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name=op.f("fk_git_targets_prompt_id")),
        sa.PrimaryKeyConstraint("prompt_id", "alias", name=op.f("pk_git_targets")),
    )


def downgrade() -> None:
    op.drop_table("git_targets")
