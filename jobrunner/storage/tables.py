"""Tasks and all that they run through: the tables that every claim and settlement touches."""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from jobrunner.core.outcome import WORDS
from jobrunner.core.status import FINAL, Status
from jobrunner.storage import access_tables, rules, traces
from jobrunner.storage.schema import metadata, one_of, partial_index
from jobrunner.storage.types import Long, Moment, Number, Span

__all__ = [
    "access_tables",
    "attempts",
    "dependencies",
    "metadata",
    "payloads",
    "progress",
    "rules",
    "tasks",
    "traces",
    "workers",
]

PENDING: Final = "status = 'pending'"

STATUS_BIT: Final = "CASE status {} END".format(
    " ".join(f"WHEN '{status}' THEN {1 << bit}" for bit, status in enumerate(Status))
)
"""The bit of a task's status, to be compared with the set of those it is to be unique in."""

_ENDS: Final = [status for status in Status if status in FINAL]

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("executor", Text, nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("queues", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("beat", Long, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("stopped_at", Moment),
    Column("error", Text),
    Column("crew", Text, nullable=False, server_default=""),
    Column("offers", Text),
    Column("paused_at", Moment),
    Column("wanted", Integer),
    Column("stop_requested_at", Moment),
    CheckConstraint(one_of("status", "running", "stopping", "stopped", "lost"), name="status"),
    CheckConstraint(
        f"({one_of('status', 'stopped', 'lost')}) = (stopped_at IS NOT NULL)", name="stopped_at"
    ),
    sqlite_strict=True,
)

partial_index("ix_workers_alive", workers.c.started_at, where="stopped_at IS NULL")

# Who names a worker needs no foreign key: its row is there when it claims, and is kept for as long
# as anything so old. The keys would cost a third of a claim and of a settlement on a server.
tasks = Table(
    "tasks",
    metadata,
    Column("id", Long, primary_key=True, autoincrement=True),
    Column("status", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("run_at", Moment, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("max_attempts", Integer, nullable=False),
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("waiting_on", Integer, nullable=False, server_default="0"),
    Column("worker_id", Text),
    Column("token", Long),
    Column("timeout", Span),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("cancel_requested_at", Moment),
    Column("function", Text),
    Column("command", Text),
    Column("cwd", Text),
    Column("args", Text),
    Column("kwargs", Text),
    Column("description", Text, nullable=False, server_default=""),
    Column("result", Text),
    Column("error", Text),
    Column("lane", Text),
    Column("unique_key", Text),
    Column("unique_in", Integer),
    Column("unique_until", Moment),
    Column("expires_at", Moment),
    Column("batch_id", Long),
    Column("unblocked_at", Moment),
    CheckConstraint(one_of("status", *Status), name="status"),
    CheckConstraint("(function IS NULL) <> (command IS NULL)", name="work"),
    CheckConstraint("(status = 'in_progress') = (token IS NOT NULL)", name="token"),
    CheckConstraint("status <> 'in_progress' OR worker_id IS NOT NULL", name="worker_id"),
    CheckConstraint(
        f"({one_of('status', *_ENDS)}) = (finished_at IS NOT NULL)", name="finished_at"
    ),
    CheckConstraint("status <> 'blocked' OR waiting_on > 0", name="blocked"),
    CheckConstraint(
        f"waiting_on = 0 OR {one_of('status', 'blocked', 'cancelled')}", name="waiting_on"
    ),
    CheckConstraint("attempt >= 0 AND crashes >= 0 AND waiting_on >= 0", name="counts"),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)

# Every index is partial, so that finished and future rows stay out of the claim's way.
# Statuses are literals: PostgreSQL's generic plans cannot match a bound value to them.
partial_index(
    "ix_tasks_pending", tasks.c.priority.desc(), tasks.c.id, where=f"{PENDING} AND lane IS NULL"
)
partial_index(
    "ix_tasks_pending_queue",
    tasks.c.queue,
    tasks.c.priority.desc(),
    tasks.c.id,
    where=f"{PENDING} AND lane IS NULL",
)
# What is under a limit of its own waits in lanes apart, so that it is never in the others' way.
partial_index(
    "ix_tasks_lanes",
    tasks.c.queue,
    tasks.c.lane,
    tasks.c.priority.desc(),
    tasks.c.id,
    where=f"{PENDING} AND lane IS NOT NULL",
)
partial_index(
    "ix_tasks_unique",
    tasks.c.unique_key,
    where=f"unique_key IS NOT NULL AND (unique_in & {STATUS_BIT}) <> 0",
    unique=True,
)
partial_index(
    "ix_tasks_expires",
    tasks.c.expires_at,
    where=f"expires_at IS NOT NULL AND ({one_of('status', 'blocked', 'scheduled', 'pending')})",
)
partial_index("ix_tasks_batch", tasks.c.batch_id, tasks.c.status, where="batch_id IS NOT NULL")
partial_index("ix_tasks_scheduled", tasks.c.run_at, where="status = 'scheduled'")
partial_index("ix_tasks_in_progress", tasks.c.worker_id, where="status = 'in_progress'")
partial_index(
    "ix_tasks_running",
    tasks.c.lane,
    tasks.c.worker_id,
    where="status = 'in_progress' AND lane IS NOT NULL",
)
partial_index("ix_tasks_blocked", tasks.c.queue, where="status = 'blocked'")
# By queues, whose ended tasks are kept for different times: see `retention`.
partial_index(
    "ix_tasks_finished",
    tasks.c.status,
    tasks.c.queue,
    tasks.c.finished_at,
    where="finished_at IS NOT NULL",
)

dependencies = Table(
    "dependencies",
    metadata,
    Column("parent_id", Long, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("dependent_id", Long, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("on_failure", Text, nullable=False),
    CheckConstraint(one_of("on_failure", "cancel", "run", "only"), name="on_failure"),
    CheckConstraint("parent_id <> dependent_id", name="itself"),
    Index("ix_dependencies_dependent_id", "dependent_id"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
partial_index("ix_dependencies_only", dependencies.c.dependent_id, where="on_failure = 'only'")

attempts = Table(
    "attempts",
    metadata,
    Column("id", Long, primary_key=True, autoincrement=True),
    Column("task_id", Long, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("token", Long, nullable=False),
    Column("number", Integer, nullable=False),
    Column("worker_id", Text, nullable=False),
    Column("ready_at", Moment, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("error", Text),
    Column("traceback", Text),
    Column("exit_code", Integer),
    Column("stdout", Text),
    Column("stderr", Text),
    Column("cpu_s", Number),
    Column("peak_memory", Long),
    CheckConstraint(one_of("outcome", *WORDS), name="outcome"),
    # One claim ends once: the second settlement of a token cannot even be written.
    UniqueConstraint("task_id", "token"),
    sqlite_strict=True,
)

# What is long lies apart: a claim and a settlement write the row of a task anew, and in a file all
# of it. See `payloads`.
payloads = Table(
    "payloads",
    metadata,
    Column("task_id", Long, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("args", Text),
    Column("kwargs", Text),
    Column("extras", Text),
    sqlite_strict=True,
)

progress = Table(
    "progress",
    metadata,
    Column("task_id", Long, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("done", Number),
    Column("total", Number),
    Column("note", Text),
    Column("checkpoint", Text),
    Column("updated_at", Moment, nullable=False),
    sqlite_strict=True,
)
