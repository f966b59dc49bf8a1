"""The views that people query: names and columns that stay, moments in ISO 8601, spans in seconds.

They stand on the tables of one revision: each migration drops them first and makes them anew last
(guarded by test_a_migration_makes_the_views_anew).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from jobrunner.storage.dialect import say

SINCE: Final = "0007"
"""The first revision that has what they show."""


@dataclass(frozen=True, slots=True)
class View:
    """A view: its columns by name, each an expression, and what they are read from.

    In an expression `ISO(…)` is a moment, `SECONDS(…)` a span, `FIRST(…)` the first of a list.
    """

    name: str
    says: str
    columns: Mapping[str, str]
    source: str

    def statement(self, words: Mapping[str, str]) -> str:
        """The statement that makes it, in the words of a database."""
        each = (f"{_told(given, words)} AS {name}" for name, given in self.columns.items())
        return f"CREATE VIEW {self.name} AS SELECT {', '.join(each)} FROM {self.source}"  # noqa: S608 — ours


def _own(table: str, *names: str) -> dict[str, str]:
    return {name: f"{table}.{name}" for name in names}


def _moments(table: str, *names: str) -> dict[str, str]:
    return {name: f"ISO({table}.{name})" for name in names}


_NAME: Final = {"name": "COALESCE(t.function, FIRST(t.command))"}
"""What a task runs, as reports call it: a function, or the program of a command."""


def _whole(name: str) -> str:
    return f"CASE WHEN t.{name} = '' THEN p.{name} ELSE t.{name} END"


TASKS: Final = View(
    "v_tasks",
    "the tasks",
    {
        **_own("t", "id"),
        **_NAME,
        **_own("t", "status", "queue", "priority", "description", "function", "command", "cwd"),
        "args": _whole("args"),
        "kwargs": _whole("kwargs"),
        **_own("t", "attempt", "max_attempts", "crashes", "worker_id", "error", "result"),
        **_moments("t", "created_at", "run_at", "started_at", "finished_at"),
        **_moments("t", "cancel_requested_at", "expires_at"),
        "timeout_s": "SECONDS(t.timeout)",
        **_own("t", "unique_key", "batch_id", "waiting_on"),
        **_own("r", "done", "total", "note"),
    },
    "tasks AS t LEFT JOIN payloads AS p ON p.task_id = t.id"
    " LEFT JOIN progress AS r ON r.task_id = t.id",
)

ATTEMPTS: Final = View(
    "v_attempts",
    "the attempts that have ended",
    {
        **_own("a", "id", "task_id", "number"),
        **_NAME,
        **_own("t", "queue"),
        **_own("a", "worker_id", "outcome"),
        **_moments("a", "ready_at", "started_at", "ended_at"),
        "waited_s": "SECONDS(a.started_at - a.ready_at)",
        "ran_s": "SECONDS(a.ended_at - a.started_at)",
        **_own("a", "cpu_s", "peak_memory", "error", "traceback", "exit_code", "stdout", "stderr"),
    },
    "attempts AS a JOIN tasks AS t ON t.id = a.task_id",
)

DEPENDENCIES: Final = View(
    "v_dependencies",
    "which task waits for which",
    {
        **_own("d", "parent_id", "dependent_id", "on_failure"),
        "parent_status": "a.status",
        "dependent_status": "b.status",
    },
    "dependencies AS d JOIN tasks AS a ON a.id = d.parent_id"
    " JOIN tasks AS b ON b.id = d.dependent_id",
)

WORKERS: Final = View(
    "v_workers",
    "the workers, those too that have ended",
    {
        **_own("w", "id", "host", "pid", "status", "crew", "executor", "concurrency", "queues"),
        **_own("w", "offers", "error"),
        **_moments("w", "started_at", "seen_at", "stopped_at", "paused_at"),
    },
    "workers AS w",
)

QUEUES: Final = View(
    "v_queues",
    "what was set for queues",
    {
        **_own("q", "name", "concurrency", "rate"),
        "period_s": "SECONDS(q.period)",
        **_moments("q", "paused_at"),
    },
    "queues AS q",
)

SCHEDULES: Final = View(
    "v_schedules",
    "the schedules",
    {
        **_own("s", "id", "name", "cron"),
        "every_s": "SECONDS(s.every)",
        **_own("s", "tz", "missed", "overlap", "task", "last_task_id", "error"),
        **_moments("s", "next_at", "paused_at", "created_at"),
    },
    "schedules AS s",
)

BATCHES: Final = View(
    "v_batches",
    "the batches",
    {
        **_own("b", "id", "description"),
        **_moments("b", "created_at"),
        **_own("b", "on_success_id", "on_failure_id", "on_end_id"),
    },
    "batches AS b",
)

STEPS: Final = View(
    "v_steps",
    "the steps that are done",
    {**_own("s", "task_id", "name", "result"), **_moments("s", "stored_at")},
    "task_steps AS s",
)

AUDIT: Final = View(
    "v_audit",
    "what was done over HTTP, and by whom",
    {**_own("a", "id"), **_moments("a", "at"), **_own("a", "actor", "action", "target", "detail")},
    "audit AS a",
)

VIEWS: Final = (
    TASKS,
    ATTEMPTS,
    DEPENDENCIES,
    WORKERS,
    QUEUES,
    SCHEDULES,
    BATCHES,
    STEPS,
    AUDIT,
)

_CALL: Final = re.compile(r"(ISO|SECONDS|FIRST)\(([^()]+)\)")

_FILE: Final = {
    "ISO": "strftime('%Y-%m-%dT%H:%M:%S', ({0}) / 1000000, 'unixepoch')"
    " || printf('.%06dZ', ({0}) % 1000000)",
    "SECONDS": "CAST({0} AS REAL) / 1000000",
    "FIRST": "json_extract({0}, '$[0]')",
}
_SERVER: Final = {
    "ISO": "to_char(to_timestamp(({0}) / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS')"
    " || '.' || lpad((({0}) % 1000000)::text, 6, '0') || 'Z'",
    "SECONDS": "CAST({0} AS double precision) / 1000000",
    "FIRST": "({0})::json ->> 0",
}


def _told(expression: str, words: Mapping[str, str]) -> str:
    return _CALL.sub(lambda call: words[call[1]].format(call[2]), expression)


def drop(transaction: Connection) -> None:
    """Take them away, as far as they are there."""
    gone = [f"DROP VIEW IF EXISTS {view.name}" for view in VIEWS]
    say(transaction, file=gone, server=gone)


def make(transaction: Connection) -> None:
    """Make all of them."""
    say(
        transaction,
        file=[view.statement(_FILE) for view in VIEWS],
        server=[view.statement(_SERVER) for view in VIEWS],
    )
