"""Schedules, limits, lanes, unique tasks, batches, steps, events, hooks, cached results."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

TASK_COLUMNS = (
    ("lane", sa.Text()),
    ("unique_key", sa.Text()),
    ("unique_in", sa.Integer()),
    ("unique_until", LONG),
    ("expires_at", LONG),
    ("batch_id", LONG),
)
WORKER_COLUMNS = (
    ("offers", sa.Text()),
    ("paused_at", LONG),
    ("wanted", sa.Integer()),
    ("stop_requested_at", LONG),
)
RUNNING = "status = 'in_progress' AND lane IS NOT NULL"
WAITING = "status = 'blocked' OR status = 'scheduled' OR status = 'pending'"
LIVES_ON = (
    "(unique_in & CASE status WHEN 'blocked' THEN 1 WHEN 'scheduled' THEN 2 WHEN 'pending' THEN 4"
    " WHEN 'in_progress' THEN 8 WHEN 'completed' THEN 16 WHEN 'failed' THEN 32"
    " WHEN 'cancelled' THEN 64 END) <> 0"
)
OUTCOMES = [
    "completed",
    "failed",
    "timed_out",
    "crashed",
    "lost",
    "snoozed",
    "cancelled",
    "released",
]


def one_of(column: str, words: list[str]) -> str:
    """The rule that a column holds one of these words."""
    return " OR ".join(f"{column} = '{word}'" for word in words)


def index(name: str, columns: list[object], where: str, *, unique: bool = False) -> None:
    """An index of some tasks only."""
    op.create_index(
        name,
        "schedules" if name == "ix_schedules_due" else "tasks",
        columns,
        unique=unique,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def upgrade() -> None:
    """Add columns and tables; only the history and the edges are made anew, in a file."""
    for name, kind in TASK_COLUMNS:
        op.add_column("tasks", sa.Column(name, kind, nullable=True))
    op.add_column("workers", sa.Column("crew", sa.Text(), nullable=False, server_default=""))
    for name, kind in WORKER_COLUMNS:
        op.add_column("workers", sa.Column(name, kind, nullable=True))
    op.add_column("payloads", sa.Column("extras", sa.Text(), nullable=True))
    _change_words(outcomes=[*OUTCOMES, "waiting", "cached"], rules=["cancel", "run", "only"])
    only = sa.text("on_failure = 'only'")
    op.create_index(
        "ix_dependencies_only",
        "dependencies",
        ["dependent_id"],
        sqlite_where=only,
        postgresql_where=only,
    )
    pending(" AND lane IS NULL")
    index(
        "ix_tasks_lanes",
        ["queue", "lane", sa.literal_column("priority DESC"), "id"],
        "status = 'pending' AND lane IS NOT NULL",
    )
    index("ix_tasks_running", ["lane", "worker_id"], RUNNING)
    index("ix_tasks_unique", ["unique_key"], f"unique_key IS NOT NULL AND {LIVES_ON}", unique=True)
    index("ix_tasks_expires", ["expires_at"], f"expires_at IS NOT NULL AND ({WAITING})")
    index("ix_tasks_batch", ["batch_id", "status"], "batch_id IS NOT NULL")
    finished(["status", "queue", "finished_at"])
    _make_rules()
    _make_traces()


def pending(also: str) -> None:
    """Make the indexes of the claim anew."""
    for name, columns in (
        ("ix_tasks_pending", [sa.literal_column("priority DESC"), "id"]),
        ("ix_tasks_pending_queue", ["queue", sa.literal_column("priority DESC"), "id"]),
    ):
        op.drop_index(name, table_name="tasks")
        index(name, columns, f"status = 'pending'{also}")


def finished(columns: list[object]) -> None:
    """Make the index of ended tasks anew."""
    op.drop_index("ix_tasks_finished", table_name="tasks")
    index("ix_tasks_finished", columns, "finished_at IS NOT NULL")


def _change_words(*, outcomes: list[str], rules: list[str]) -> None:
    if op.get_bind().dialect.name != "sqlite":
        for table, name, rule in (
            ("attempts", "outcome", one_of("outcome", outcomes)),
            ("dependencies", "on_failure", one_of("on_failure", rules)),
        ):
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)
        return
    op.rename_table("attempts", "old_attempts")
    _make_attempts(outcomes)
    op.drop_index("ix_dependencies_dependent_id", table_name="dependencies")
    op.rename_table("dependencies", "old_dependencies")
    _make_dependencies(rules)
    for table in ("attempts", "dependencies"):
        op.execute(f"INSERT INTO {table} SELECT * FROM old_{table}")  # noqa: S608 — our names
        op.drop_table(f"old_{table}")


def _make_attempts(outcomes: list[str]) -> None:
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
        sa.CheckConstraint(one_of("outcome", outcomes), name=op.f("ck_attempts_outcome")),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_attempts_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("task_id", "token", name=op.f("uq_attempts_task_id_token")),
        sqlite_strict=True,
    )


def _make_dependencies(rules: list[str]) -> None:
    op.create_table(
        "dependencies",
        sa.Column("parent_id", LONG, nullable=False),
        sa.Column("dependent_id", LONG, nullable=False),
        sa.Column("on_failure", sa.Text(), nullable=False),
        sa.CheckConstraint(one_of("on_failure", rules), name=op.f("ck_dependencies_on_failure")),
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


def _make_rules() -> None:
    op.create_table(
        "queues",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paused_at", LONG, nullable=True),
        sa.Column("concurrency", sa.Integer(), nullable=True),
        sa.Column("rate", sa.Integer(), nullable=True),
        sa.Column("period", LONG, nullable=True),
        sa.Column("keep_completed", LONG, nullable=True),
        sa.Column("keep_failed", LONG, nullable=True),
        sa.Column("keep_cancelled", LONG, nullable=True),
        sa.CheckConstraint("(rate IS NULL) = (period IS NULL)", name=op.f("ck_queues_period")),
        sa.CheckConstraint("concurrency > 0", name=op.f("ck_queues_concurrency")),
        sa.CheckConstraint("rate > 0", name=op.f("ck_queues_rate")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_queues")),
        sqlite_strict=True,
    )
    op.create_table(
        "concurrency_keys",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=True),
        sa.Column("rate", sa.Integer(), nullable=True),
        sa.Column("period", LONG, nullable=True),
        sa.CheckConstraint(
            "(rate IS NULL) = (period IS NULL)", name=op.f("ck_concurrency_keys_period")
        ),
        sa.CheckConstraint("concurrency > 0", name=op.f("ck_concurrency_keys_concurrency")),
        sa.CheckConstraint("rate > 0", name=op.f("ck_concurrency_keys_rate")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_concurrency_keys")),
        sqlite_strict=True,
    )
    op.create_table(
        "crews",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paused_at", LONG, nullable=True),
        sa.Column("concurrency", sa.Integer(), nullable=True),
        sa.CheckConstraint("concurrency > 0", name=op.f("ck_crews_concurrency")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_crews")),
        sqlite_strict=True,
    )
    op.create_table(
        "schedules",
        sa.Column("id", LONG, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=True),
        sa.Column("every", LONG, nullable=True),
        sa.Column("tz", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("anchor_at", LONG, nullable=False),
        sa.Column("missed", sa.Text(), nullable=False),
        sa.Column("missed_cap", sa.Integer(), nullable=False),
        sa.Column("overlap", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("next_at", LONG, nullable=True),
        sa.Column("paused_at", LONG, nullable=True),
        sa.Column("created_at", LONG, nullable=False),
        sa.Column("last_task_id", LONG, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "missed = 'skip' OR missed = 'one' OR missed = 'all'", name=op.f("ck_schedules_missed")
        ),
        sa.CheckConstraint(
            "overlap = 'allow' OR overlap = 'skip' OR overlap = 'queue'",
            name=op.f("ck_schedules_overlap"),
        ),
        sa.CheckConstraint("(cron IS NULL) <> (every IS NULL)", name=op.f("ck_schedules_rule")),
        sa.CheckConstraint("every > 0", name=op.f("ck_schedules_every")),
        sa.CheckConstraint("missed_cap > 0", name=op.f("ck_schedules_missed_cap")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
        sa.UniqueConstraint("name", name=op.f("uq_schedules_name")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    index("ix_schedules_due", ["next_at"], "paused_at IS NULL AND next_at IS NOT NULL")
    op.create_table(
        "event_hooks",
        sa.Column("id", LONG, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("command", sa.Text(), nullable=True),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("may_be_private", sa.Integer(), server_default="0", nullable=False),
        sa.Column("paused_at", LONG, nullable=True),
        sa.Column("created_at", LONG, nullable=False),
        sa.CheckConstraint(
            "(url IS NULL) <> (command IS NULL)", name=op.f("ck_event_hooks_target")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_hooks")),
        sa.UniqueConstraint("name", name=op.f("uq_event_hooks_name")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )


def _make_traces() -> None:
    op.create_table(
        "batches",
        sa.Column("id", LONG, autoincrement=True, nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", LONG, nullable=False),
        sa.Column("on_success_id", LONG, nullable=True),
        sa.Column("on_failure_id", LONG, nullable=True),
        sa.Column("on_end_id", LONG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_table(
        "schedule_ticks",
        sa.Column("schedule_id", LONG, nullable=False),
        sa.Column("tick_at", LONG, nullable=False),
        sa.Column("task_id", LONG, nullable=True),
        sa.Column("fired_at", LONG, nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["schedules.id"],
            name=op.f("fk_schedule_ticks_schedule_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("schedule_id", "tick_at", name=op.f("pk_schedule_ticks")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_schedule_ticks_task_id", "schedule_ticks", ["task_id"], unique=False)
    op.create_table(
        "rate_starts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", LONG, nullable=False),
        sa.Column("task_id", LONG, nullable=False),
        sa.PrimaryKeyConstraint("name", "at", "task_id", name=op.f("pk_rate_starts")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_rate_starts_at", "rate_starts", ["at"], unique=False)
    op.create_table(
        "task_steps",
        sa.Column("task_id", LONG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("stored_at", LONG, nullable=False),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_task_steps_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "name", name=op.f("pk_task_steps")),
        sqlite_strict=True,
    )
    op.create_table(
        "sent_events",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("task_id", LONG, nullable=False),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("sent_at", LONG, nullable=False),
        sa.CheckConstraint("task_id >= 0", name=op.f("ck_sent_events_task_id")),
        sa.PrimaryKeyConstraint("name", "task_id", name=op.f("pk_sent_events")),
        sqlite_strict=True,
    )
    op.create_index("ix_sent_events_sent_at", "sent_events", ["sent_at"], unique=False)
    op.create_table(
        "event_waits",
        sa.Column("task_id", LONG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since", LONG, nullable=False),
        sa.Column("until", LONG, nullable=True),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_event_waits_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "name", name=op.f("pk_event_waits")),
        sqlite_strict=True,
    )
    op.create_index("ix_event_waits_name", "event_waits", ["name"], unique=False)
    op.create_table(
        "cached_results",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("task_id", LONG, nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("outputs", sa.Text(), nullable=True),
        sa.Column("stored_at", LONG, nullable=False),
        sa.Column("used_at", LONG, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_cached_results")),
        sqlite_strict=True,
    )
    op.create_index("ix_cached_results_used_at", "cached_results", ["used_at"], unique=False)
    op.create_table(
        "rewinds",
        sa.Column("id", LONG, autoincrement=True, nullable=False),
        sa.Column("task_id", LONG, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", LONG, nullable=False),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_rewinds_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rewinds")),
        sqlite_strict=True,
    )
    op.create_index("ix_rewinds_task_id", "rewinds", ["task_id"], unique=False)


DROPPED = (
    "rewinds",
    "cached_results",
    "event_waits",
    "sent_events",
    "task_steps",
    "rate_starts",
    "schedule_ticks",
    "batches",
    "event_hooks",
    "schedules",
    "crews",
    "concurrency_keys",
    "queues",
)


def downgrade() -> None:
    """Forget what the older version does not know; what has run or waits stays."""
    for table in DROPPED:
        op.drop_table(table)
    for name in ("lanes", "running", "unique", "expires", "batch"):
        op.drop_index(f"ix_tasks_{name}", table_name="tasks")
    pending("")
    finished(["finished_at"])
    op.execute("UPDATE attempts SET outcome = 'snoozed' WHERE outcome = 'waiting'")
    op.execute("UPDATE attempts SET outcome = 'completed' WHERE outcome = 'cached'")
    op.drop_index("ix_dependencies_only", table_name="dependencies")
    op.execute("UPDATE dependencies SET on_failure = 'run' WHERE on_failure = 'only'")
    _change_words(outcomes=OUTCOMES, rules=["cancel", "run"])
    op.execute(
        "UPDATE tasks SET args = NULL FROM payloads"
        " WHERE payloads.task_id = tasks.id AND payloads.args IS NULL AND tasks.args = ''"
    )
    op.drop_column("payloads", "extras")
    for name, _ in (*WORKER_COLUMNS, ("crew", None)):
        op.drop_column("workers", name)
    for name, _ in TASK_COLUMNS:
        op.drop_column("tasks", name)
