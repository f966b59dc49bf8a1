"""What running attempts have written so far."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table; none that was there is touched."""
    op.create_table(
        "output",
        sa.Column("task_id", LONG, nullable=False),
        sa.Column("token", LONG, nullable=False),
        sa.Column("stdout", sa.Text(), nullable=False),
        sa.Column("stderr", sa.Text(), nullable=False),
        sa.Column("updated_at", LONG, nullable=False),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_output_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_output")),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """An older version stores what an attempt wrote when that has ended."""
    op.drop_table("output")
