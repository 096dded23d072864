"""Traffic splits of aliases, in their log, and as git gives them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = ("prompt_aliases", "alias_events", "git_targets")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("split_json", sa.Text(), nullable=True))


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_column(table, "split_json")
