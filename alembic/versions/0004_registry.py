"""The id of a registry, which blob stores note, and the turn that writers and gc take."""

from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    registries = op.create_table(
        "registries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gc_turn", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registries")),
    )
    op.bulk_insert(registries, [{"id": uuid4(), "created_at": datetime.now(UTC), "gc_turn": 0}])


def downgrade() -> None:
    op.drop_table("registries")
