"""When open tasks will have ended: they are run through, many times over, on recorded times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from jobrunner.core.critical import critical_path
from jobrunner.core.drawing import Times
from jobrunner.core.estimate import ENOUGH, Estimate, Kind, Runs, best, of_progress, rank, too_few
from jobrunner.core.insight_graph import TaskEdge, TaskNode
from jobrunner.core.open_work import OpenTask, OpenWork, course
from jobrunner.core.slots import Caps, makespan
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId

MOST_WORKERS: Final = 100_000

NOTHING: Final = Estimate(low_s=0.0, likely_s=0.0, high_s=0.0, basis="nothing is open")
HELD: Final = Estimate(basis="all that is open waits for a paused queue")

_STEPS: Final = 40_000
"""So many tasks are run through, those of all times together."""

_FEWEST, _MOST = 3, 20
"""Times that the whole is run through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When open tasks will have ended, if `workers` tasks run at a time.

    `left.runs` are those of the function or command that the fewest are known of. `tasks` are
    open, and `held` of those that were looked at wait for a paused queue: these are not counted
    in. `others` are open beside them, and take slots as they come. `busy_s` is what all runs take
    together, `path_s` what those along the critical path `path` take, which no number of workers
    makes faster. `unknown` are the names of which too few runs are recorded, and how many are. If
    `is_cut`, not all was looked at.
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


def simulate(work: OpenWork, runs: Runs, *, workers: Sequence[int]) -> list[Forecast]:
    """A forecast for each number of workers.

    List scheduling (Graham 1966): a free slot takes, of what may run, what a claim would take. The
    times of each kind are drawn from a resample of its recorded runs, anew each time (a bootstrap:
    few runs make a wide range), and are the same for each number of workers. The likely end is the
    median of all times, the range goes from the shortest to the longest. Of others than those that
    are asked for, what too little is known of is left out.
    """
    ahead = course(work)
    wanted, held = work.asked_for(ahead.run), work.asked_for(ahead.held)
    unknown = _unknown(wanted, runs)
    unsaid = Forecast(
        workers=0,
        tasks=work.number,
        held=len(held),
        left=_why(unknown) if unknown else HELD if held else NOTHING,
        unknown={kind.name: number for kind, number in unknown.items()},
        is_cut=work.is_cut,
    )
    if unknown or not wanted:
        return [replace(unsaid, workers=number) for number in workers]
    known = [task for task in ahead.run if not _is_unknown(task, runs)]
    return _said(work, known, replace(unsaid, others=len(known) - len(wanted)), runs, workers)


def _unknown(tasks: Sequence[OpenTask], runs: Runs) -> dict[Kind, int]:
    """The kinds that too little is known of, and how many runs are."""
    found = (best(task.kinds, runs) for task in tasks if _is_unknown(task, runs))
    return {kind: len(took) for kind, took in found}


def _is_unknown(task: OpenTask, runs: Runs) -> bool:
    _, took = best(task.kinds, runs)
    by_progress = task.ran_for is not None and of_progress(task.progress, task.ran_for) is not None
    return len(took) < ENOUGH and not by_progress


def _why(unknown: Mapping[Kind, int]) -> Estimate:
    """Of the kind that the fewest runs are known of."""
    kind = min(unknown, key=lambda one: (unknown[one], one))
    return too_few(kind, unknown[kind], others=len(unknown) - 1)


def _said(
    work: OpenWork,
    tasks: Sequence[OpenTask],
    forecast: Forecast,
    runs: Runs,
    workers: Sequence[int],
) -> list[Forecast]:
    """A forecast with numbers, for each number of workers."""
    times, wanted = Times(tasks, runs), work.asked_for(tasks)
    least, basis = times.basis(wanted)
    if work.is_cut:
        basis += f", by the first {len(work.tasks):,} tasks"
    mean = times.mean()
    path = critical_path(*_graph(wanted, mean))
    # What was not looked at is taken for alike.
    scale = max(1.0, work.number / len(work.tasks)) if work.wanted is None else 1.0
    said = replace(
        forecast,
        busy_s=sum(mean[task.id] for task in wanted) * scale,
        path_s=sum(mean[task_id] for task_id in path),
        path=tuple(path),
    )
    often = min(_MOST, max(_FEWEST, _STEPS // len(tasks)))
    drawn = [times.drawn(again) for again in range(often)]
    caps, pause = Caps(work.queue_limits, work.key_limits), work.pause_s
    found: list[Forecast] = []
    for number in workers:
        left = Estimate(runs=least, basis="no worker is running")
        if number:
            ends = [
                makespan(tasks, took, slots=number, caps=caps, pause=pause, of=work.wanted)
                for took in drawn
            ]
            left = _spread([end * scale for end in ends], least, basis)
        found.append(replace(said, workers=number, left=left))
    return found


def _spread(ends: Sequence[float], least: int, basis: str) -> Estimate:
    ordered = sorted(ends)
    likely = rank(ordered, 50)
    return Estimate(low_s=ordered[0], likely_s=likely, high_s=ordered[-1], runs=least, basis=basis)


def _graph(
    tasks: Sequence[OpenTask], took: Mapping[TaskId, float]
) -> tuple[list[TaskNode], list[TaskEdge]]:
    nodes = [
        TaskNode(
            id=task.id,
            name="",
            status=Status.BLOCKED,
            started_at=None,
            finished_at=None,
            run_s=took[task.id],
        )
        for task in tasks
    ]
    edges = [TaskEdge(parent, task.id, rule) for task in tasks for parent, rule in task.parents]
    return nodes, edges
