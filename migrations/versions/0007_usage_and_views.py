"""What attempts took of their machine; the views come with every migration: see `storage.views`."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NUMBER = sa.Double().with_variant(sa.REAL(), "sqlite")


def upgrade() -> None:
    """Add the columns; of what has ended before, nothing is known."""
    op.add_column("attempts", sa.Column("cpu_s", NUMBER, nullable=True))
    op.add_column("attempts", sa.Column("peak_memory", LONG, nullable=True))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("attempts", "peak_memory")
    op.drop_column("attempts", "cpu_s")
