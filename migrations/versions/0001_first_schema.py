"""The first schema: tasks, dependencies, attempts, progress, workers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.Double().with_variant(sa.REAL(), "sqlite")
LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "workers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("executor", sa.Text(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("beat", LONG, nullable=False),
        sa.Column("started_at", LONG, nullable=False),
        sa.Column("seen_at", LONG, nullable=False),
        sa.Column("stopped_at", LONG, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(status = 'stopped' OR status = 'lost') = (stopped_at IS NOT NULL)",
            name=op.f("ck_workers_stopped_at"),
        ),
        sa.CheckConstraint(
            "status = 'running' OR status = 'stopping' OR status = 'stopped' OR status = 'lost'",
            name=op.f("ck_workers_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_workers_alive",
        "workers",
        ["started_at"],
        unique=False,
        sqlite_where=sa.text("stopped_at IS NULL"),
        postgresql_where=sa.text("stopped_at IS NULL"),
    )
    op.create_table(
        "tasks",
        sa.Column("id", LONG, autoincrement=True, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("run_at", LONG, nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("waiting_on", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worker_id", sa.Text(), nullable=True),
        sa.Column("token", LONG, nullable=True),
        sa.Column("timeout", LONG, nullable=True),
        sa.Column("created_at", LONG, nullable=False),
        sa.Column("started_at", LONG, nullable=True),
        sa.Column("finished_at", LONG, nullable=True),
        sa.Column("cancel_requested_at", LONG, nullable=True),
        sa.Column("function", sa.Text(), nullable=True),
        sa.Column("command", sa.Text(), nullable=True),
        sa.Column("cwd", sa.Text(), nullable=True),
        sa.Column("args", sa.Text(), nullable=True),
        sa.Column("kwargs", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(status = 'in_progress') = (token IS NOT NULL)", name=op.f("ck_tasks_token")
        ),
        sa.CheckConstraint(
            "status <> 'in_progress' OR worker_id IS NOT NULL", name=op.f("ck_tasks_worker_id")
        ),
        sa.CheckConstraint(
            "(status = 'completed' OR status = 'failed' OR status = 'cancelled')"
            " = (finished_at IS NOT NULL)",
            name=op.f("ck_tasks_finished_at"),
        ),
        sa.CheckConstraint("status <> 'blocked' OR waiting_on > 0", name=op.f("ck_tasks_blocked")),
        sa.CheckConstraint(
            "status = 'blocked' OR status = 'scheduled' OR status = 'pending'"
            " OR status = 'in_progress' OR status = 'completed' OR status = 'failed'"
            " OR status = 'cancelled'",
            name=op.f("ck_tasks_status"),
        ),
        sa.CheckConstraint(
            "waiting_on = 0 OR status = 'blocked' OR status = 'cancelled'",
            name=op.f("ck_tasks_waiting_on"),
        ),
        sa.CheckConstraint("(function IS NULL) <> (command IS NULL)", name=op.f("ck_tasks_work")),
        sa.CheckConstraint(
            "attempt >= 0 AND crashes >= 0 AND waiting_on >= 0", name=op.f("ck_tasks_counts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index(
        "ix_tasks_blocked",
        "tasks",
        ["queue"],
        unique=False,
        sqlite_where=sa.text("status = 'blocked'"),
        postgresql_where=sa.text("status = 'blocked'"),
    )
    op.create_index(
        "ix_tasks_finished",
        "tasks",
        ["finished_at"],
        unique=False,
        sqlite_where=sa.text("finished_at IS NOT NULL"),
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tasks_in_progress",
        "tasks",
        ["worker_id"],
        unique=False,
        sqlite_where=sa.text("status = 'in_progress'"),
        postgresql_where=sa.text("status = 'in_progress'"),
    )
    op.create_index(
        "ix_tasks_pending",
        "tasks",
        [sa.literal_column("priority DESC"), "id"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_tasks_pending_queue",
        "tasks",
        ["queue", sa.literal_column("priority DESC"), "id"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_tasks_scheduled",
        "tasks",
        ["run_at"],
        unique=False,
        sqlite_where=sa.text("status = 'scheduled'"),
        postgresql_where=sa.text("status = 'scheduled'"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", LONG, autoincrement=True, nullable=False),
        sa.Column("task_id", LONG, nullable=False),
        sa.Column("token", LONG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.Text(), nullable=False),
        sa.Column("ready_at", LONG, nullable=False),
        sa.Column("started_at", LONG, nullable=False),
        sa.Column("ended_at", LONG, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("traceback", sa.Text(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("stdout", sa.Text(), nullable=True),
        sa.Column("stderr", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome = 'completed' OR outcome = 'failed' OR outcome = 'timed_out'"
            " OR outcome = 'crashed' OR outcome = 'lost' OR outcome = 'snoozed'"
            " OR outcome = 'cancelled' OR outcome = 'released'",
            name=op.f("ck_attempts_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_attempts_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("task_id", "token", name=op.f("uq_attempts_task_id_token")),
        sqlite_strict=True,
    )
    op.create_table(
        "dependencies",
        sa.Column("parent_id", LONG, nullable=False),
        sa.Column("dependent_id", LONG, nullable=False),
        sa.Column("on_failure", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "on_failure = 'cancel' OR on_failure = 'run'", name=op.f("ck_dependencies_on_failure")
        ),
        sa.CheckConstraint("parent_id <> dependent_id", name=op.f("ck_dependencies_itself")),
        sa.ForeignKeyConstraint(
            ["dependent_id"],
            ["tasks.id"],
            name=op.f("fk_dependencies_dependent_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["tasks.id"], name=op.f("fk_dependencies_parent_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("parent_id", "dependent_id", name=op.f("pk_dependencies")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_dependencies_dependent_id", "dependencies", ["dependent_id"], unique=False)
    op.create_table(
        "progress",
        sa.Column("task_id", LONG, nullable=False),
        sa.Column("done", NUMBER, nullable=True),
        sa.Column("total", NUMBER, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("checkpoint", sa.Text(), nullable=True),
        sa.Column("updated_at", LONG, nullable=False),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_progress_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_progress")),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop every table."""
    op.drop_table("progress")
    op.drop_index("ix_dependencies_dependent_id", table_name="dependencies")
    op.drop_table("dependencies")
    op.drop_table("attempts")
    op.drop_index("ix_tasks_scheduled", table_name="tasks")
    op.drop_index("ix_tasks_pending_queue", table_name="tasks")
    op.drop_index("ix_tasks_pending", table_name="tasks")
    op.drop_index("ix_tasks_in_progress", table_name="tasks")
    op.drop_index("ix_tasks_finished", table_name="tasks")
    op.drop_index("ix_tasks_blocked", table_name="tasks")
    op.drop_table("tasks")
    op.drop_index("ix_workers_alive", table_name="workers")
    op.drop_table("workers")
