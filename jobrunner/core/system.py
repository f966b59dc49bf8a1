"""What is going on now, at one look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobrunner.core.status import Status
from jobrunner.core.task import Task
from jobrunner.core.worker import WorkerInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemStatus:
    """Counts, the newest running tasks, the workers that have not ended, the longest wait.

    `oldest_pending` is the moment since when the longest-waiting pending task could run.
    """

    tasks: Mapping[Status, int]
    running: Sequence[Task[Any]]
    workers: Sequence[WorkerInfo]
    oldest_pending: datetime | None
