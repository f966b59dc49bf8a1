"""One past attempt, and one step that is done, as the history tells them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobrunner.core.task import TaskId, WorkerId


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """A row of the history: who ran it, when, how it ended; a command's output.

    `outcome` is one of the words of `core.outcome.NAMES`; `error` is one line, `traceback`
    the whole story where there is one. `cpu_s` are seconds of CPU, `peak_memory` bytes, where
    they are known: see `core.outcome.Usage`.
    """

    task_id: TaskId
    number: int
    worker_id: WorkerId
    ready_at: datetime
    started_at: datetime
    ended_at: datetime
    outcome: str
    error: str | None
    traceback: str | None
    exit_code: int | None
    stdout: str | None
    stderr: str | None
    cpu_s: float | None = None
    peak_memory: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """A step of a task that is done, and what it returned."""

    name: str
    result: Any
    stored_at: datetime
