"""The breaking changes that a move of a protected alias was allowed to make."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alias_events", sa.Column("breaking_json", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("alias_events", "breaking_json")
