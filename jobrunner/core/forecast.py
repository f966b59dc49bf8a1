"""When open tasks will have ended, as it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobrunner.core.estimate import Estimate
from jobrunner.core.task import TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When open tasks will have ended, if `workers` tasks run at a time.

    `left.runs` are those of the function or command that the fewest are known of. `tasks` are
    open, and `held` of those that were looked at wait for a paused queue or an event: these are not
    counted in. `others` are open beside them, and take slots as they come. `busy_s` is what all
    runs take together, `path_s` what those along the critical path `path` take, which no number of
    workers makes faster. `unknown` are the names of which too few runs are recorded, and how many
    are. If `is_cut`, not all was looked at.
    """

    workers: int
    tasks: int
    held: int
    left: Estimate
    others: int = 0
    busy_s: float | None = None
    path_s: float | None = None
    path: tuple[TaskId, ...] = ()
    unknown: Mapping[str, int] = field(default_factory=dict[str, int])
    is_cut: bool = False

    @property
    def busy_share(self) -> float | None:
        """The share of the workers' time that runs take, 0 to 1."""
        if not self.busy_s or not self.left.likely_s:
            return None
        return min(1.0, self.busy_s / (self.workers * self.left.likely_s))
