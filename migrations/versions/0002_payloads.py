"""Long arguments lie in a table of their own; what is stored stays where it is."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "payloads",
        sa.Column("task_id", LONG, nullable=False),
        sa.Column("args", sa.Text(), nullable=True),
        sa.Column("kwargs", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_payloads_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_payloads")),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Put them back into the rows of their tasks."""
    for name in ("args", "kwargs"):
        op.execute(
            f"UPDATE tasks SET {name} = payloads.{name} FROM payloads"  # noqa: S608 — our names
            f" WHERE payloads.task_id = tasks.id AND payloads.{name} IS NOT NULL"
        )
    op.drop_table("payloads")
