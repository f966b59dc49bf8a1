"""What is done to tasks besides running them, and when each had no open parent any more."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATUSES = (
    "blocked",
    "scheduled",
    "pending",
    "in_progress",
    "completed",
    "failed",
    "cancelled",
)


def one_of(column: str) -> str:
    """The rule that a column holds a status."""
    return " OR ".join(f"{column} = '{status}'" for status in STATUSES)


def upgrade() -> None:
    """Add a column and a table; no row is written."""
    op.add_column("tasks", sa.Column("unblocked_at", LONG, nullable=True))
    op.create_table(
        "status_changes",
        sa.Column("id", LONG, autoincrement=True, nullable=False),
        sa.Column("task_id", LONG, nullable=False),
        sa.Column("at", LONG, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("was", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("run_at", LONG, nullable=False),
        sa.Column("unblocked_at", LONG, nullable=True),
        sa.Column("last_attempt", LONG, nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint(one_of("was"), name=op.f("ck_status_changes_was")),
        sa.CheckConstraint(one_of("status"), name=op.f("ck_status_changes_status")),
        sa.CheckConstraint(
            "(status IS NULL) = (what = 'deleted')", name=op.f("ck_status_changes_deleted")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_changes")),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    op.create_index("ix_status_changes_task_id", "status_changes", ["task_id"], unique=False)
    gone = sa.text("status IS NULL")
    op.create_index(
        "ix_status_changes_deleted",
        "status_changes",
        ["at"],
        unique=False,
        sqlite_where=gone,
        postgresql_where=gone,
    )


def downgrade() -> None:
    """Forget the acts; how each task stands stays."""
    op.drop_table("status_changes")
    op.drop_column("tasks", "unblocked_at")
