"""A worker as its row tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from jobrunner.core.task import WorkerId


class WorkerStatus(StrEnum):
    """Whether a worker claims, ends, has ended, or was declared lost by others."""

    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """One start of one worker. The id is random at every start and never used again.

    `seen_at` is for people; no clock decides whether a worker lives. `error` says how a lost
    worker died, where somebody saw it.
    """

    id: WorkerId
    host: str
    boot_id: str
    pid: int
    executor: str
    concurrency: int
    queues: tuple[str, ...]
    status: WorkerStatus
    beat: int
    started_at: datetime
    seen_at: datetime
    stopped_at: datetime | None
    error: str | None
    crew: str = ""
    """The name it shares with the workers that are paused and resized together."""
    offers: Mapping[str, float] = field(default_factory=dict[str, float])
    paused_at: datetime | None = None
    wanted: int | None = None
    """The concurrency it was asked to work with from now on."""
    stop_requested_at: datetime | None = None

    def serves(self, queue: str) -> bool:
        """Whether it claims the tasks of a queue: all do that name none."""
        return not self.queues or queue in self.queues
