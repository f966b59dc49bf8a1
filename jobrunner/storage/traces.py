"""What tasks leave beside their own rows, as tables: steps, events, ticks, results, output."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text

from jobrunner.core.status import Status
from jobrunner.storage.schema import metadata, one_of, partial_index
from jobrunner.storage.types import Long, Moment

batches = Table(
    "batches",
    metadata,
    Column("id", Long, primary_key=True, autoincrement=True),
    Column("description", Text, nullable=False, server_default=""),
    Column("created_at", Moment, nullable=False),
    Column("on_success_id", Long),
    Column("on_failure_id", Long),
    Column("on_end_id", Long),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)

schedule_ticks = Table(
    "schedule_ticks",
    metadata,
    Column("schedule_id", Long, ForeignKey("schedules.id", ondelete="CASCADE"), primary_key=True),
    Column("tick_at", Moment, primary_key=True),
    Column("task_id", Long),
    Column("fired_at", Moment, nullable=False),
    Index("ix_schedule_ticks_task_id", "task_id"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

rate_starts = Table(
    "rate_starts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Moment, primary_key=True),
    Column("task_id", Long, primary_key=True),
    Index("ix_rate_starts_at", "at"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

task_steps = Table(
    "task_steps",
    metadata,
    Column("task_id", Long, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("result", Text),
    Column("stored_at", Moment, nullable=False),
    sqlite_strict=True,
)

sent_events = Table(
    "sent_events",
    metadata,
    Column("name", Text, primary_key=True),
    Column("task_id", Long, primary_key=True),
    Column("payload", Text),
    Column("sent_at", Moment, nullable=False),
    CheckConstraint("task_id >= 0", name="task_id"),
    Index("ix_sent_events_sent_at", "sent_at"),
    sqlite_strict=True,
)

event_waits = Table(
    "event_waits",
    metadata,
    Column("task_id", Long, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
    Index("ix_event_waits_name", "name"),
    sqlite_strict=True,
)

cached_results = Table(
    "cached_results",
    metadata,
    Column("key", Text, primary_key=True),
    Column("task_id", Long, nullable=False),
    Column("result", Text),
    Column("outputs", Text),
    Column("stored_at", Moment, nullable=False),
    Column("used_at", Moment, nullable=False),
    Index("ix_cached_results_used_at", "used_at"),
    sqlite_strict=True,
)

rewinds = Table(
    "rewinds",
    metadata,
    Column("id", Long, primary_key=True, autoincrement=True),
    Column("task_id", Long, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_rewinds_task_id", "task_id"),
    sqlite_strict=True,
)

# Without a foreign key: that a task was deleted is told when it is gone.
status_changes = Table(
    "status_changes",
    metadata,
    Column("id", Long, primary_key=True, autoincrement=True),
    Column("task_id", Long, nullable=False),
    Column("at", Moment, nullable=False),
    Column("what", Text, nullable=False),
    Column("was", Text, nullable=False),
    Column("status", Text),
    Column("run_at", Moment, nullable=False),
    Column("unblocked_at", Moment),
    Column("last_attempt", Long, nullable=False),
    Column("detail", Text),
    CheckConstraint(one_of("was", *Status), name="was"),
    CheckConstraint(one_of("status", *Status), name="status"),
    CheckConstraint("(status IS NULL) = (what = 'deleted')", name="deleted"),
    Index("ix_status_changes_task_id", "task_id"),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
partial_index("ix_status_changes_deleted", status_changes.c.at, where="status IS NULL")

# What running attempts have written so far. Nothing reads it but whoever follows one.
output = Table(
    "output",
    metadata,
    Column("task_id", Long, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("token", Long, nullable=False),
    Column("stdout", Text, nullable=False),
    Column("stderr", Text, nullable=False),
    Column("updated_at", Moment, nullable=False),
    sqlite_strict=True,
)
