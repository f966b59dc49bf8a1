"""What people have set, as tables: it lasts over restarts and holds for every worker."""

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text

from jobrunner.storage.schema import metadata, one_of, partial_index
from jobrunner.storage.types import Long, Moment, Span

queues = Table(
    "queues",
    metadata,
    Column("name", Text, primary_key=True),
    Column("paused_at", Moment),
    Column("concurrency", Integer),
    Column("rate", Integer),
    Column("period", Span),
    Column("keep_completed", Span),
    Column("keep_failed", Span),
    Column("keep_cancelled", Span),
    CheckConstraint("concurrency > 0", name="concurrency"),
    CheckConstraint("rate > 0", name="rate"),
    CheckConstraint("(rate IS NULL) = (period IS NULL)", name="period"),
    sqlite_strict=True,
)

concurrency_keys = Table(
    "concurrency_keys",
    metadata,
    Column("name", Text, primary_key=True),
    Column("concurrency", Integer),
    Column("rate", Integer),
    Column("period", Span),
    CheckConstraint("concurrency > 0", name="concurrency"),
    CheckConstraint("rate > 0", name="rate"),
    CheckConstraint("(rate IS NULL) = (period IS NULL)", name="period"),
    sqlite_strict=True,
)

crews = Table(
    "crews",
    metadata,
    Column("name", Text, primary_key=True),
    Column("paused_at", Moment),
    Column("concurrency", Integer),
    CheckConstraint("concurrency > 0", name="concurrency"),
    sqlite_strict=True,
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", Long, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("cron", Text),
    Column("every", Span),
    Column("tz", Text, nullable=False, server_default="UTC"),
    Column("anchor_at", Moment, nullable=False),
    Column("missed", Text, nullable=False),
    Column("missed_cap", Integer, nullable=False),
    Column("overlap", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("next_at", Moment),
    Column("paused_at", Moment),
    Column("created_at", Moment, nullable=False),
    Column("last_task_id", Long),
    Column("error", Text),
    CheckConstraint("(cron IS NULL) <> (every IS NULL)", name="rule"),
    CheckConstraint("every > 0", name="every"),
    CheckConstraint(one_of("missed", "skip", "one", "all"), name="missed"),
    CheckConstraint("missed_cap > 0", name="missed_cap"),
    CheckConstraint(one_of("overlap", "allow", "skip", "queue"), name="overlap"),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
partial_index(
    "ix_schedules_due", schedules.c.next_at, where="paused_at IS NULL AND next_at IS NOT NULL"
)

event_hooks = Table(
    "event_hooks",
    metadata,
    Column("id", Long, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("events", Text, nullable=False),
    Column("queue", Text),
    Column("url", Text),
    Column("command", Text),
    Column("secret", Text),
    Column("may_be_private", Integer, nullable=False, server_default="0"),
    Column("paused_at", Moment),
    Column("created_at", Moment, nullable=False),
    CheckConstraint("(url IS NULL) <> (command IS NULL)", name="target"),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
