"""When open tasks will have ended: they are run through, many times over, on recorded times."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from jobrunner.core.critical import critical_path
from jobrunner.core.drawing import Times
from jobrunner.core.estimate import ENOUGH, Estimate, Kind, Runs, best, of_progress, rank, too_few
from jobrunner.core.forecast import Forecast
from jobrunner.core.insight_graph import TaskEdge, TaskNode
from jobrunner.core.open_work import OpenTask, OpenWork, course
from jobrunner.core.slots import Caps, makespan
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId

MOST_WORKERS: Final = 100_000

NOTHING: Final = Estimate(low_s=0.0, likely_s=0.0, high_s=0.0, basis="nothing is open")
HELD: Final = Estimate(basis="all that is open waits for a paused queue, or an event")
ITSELF_HELD: Final = Estimate(basis="it waits for a paused queue, or an event")
SPARED: Final = Estimate(basis="it runs only if another task fails")
NO_WORKER: Final = Estimate(basis="no worker is running")

_STEPS: Final = 40_000
"""So many tasks are run through, those of all times together."""

_FEWEST, _MOST = 3, 20
"""Times that the whole is run through."""


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


def start_of(task_id: TaskId, work: OpenWork, runs: Runs) -> Estimate:
    """How long it is until a task that waits starts, with the slots that there are.

    All is run through as by `simulate`. What it waits for must be known and, where slots are few or
    a limit is shared, what may have its turn before; of the rest, what too little is known of is
    left out.
    """
    ahead = course(work)
    known = {one.id: one for one in ahead.run}
    task = known.get(task_id)
    if task is None:
        return ITSELF_HELD if any(one.id == task_id for one in ahead.held) else SPARED
    if not work.slots:
        return NO_WORKER
    before = _before(task, ahead.run)
    needed = before
    if len(before) < work.slots:
        needed = [one for one in before if _share(one, task, work)]
    unknown = _unknown([*needed, *(known[one] for one in _waits_for(task, known))], runs)
    if unknown:
        return _why(unknown)
    others = [one for one in ahead.run if one.id != task_id and not _is_unknown(one, runs)]
    times = Times(others, runs)
    least, basis = times.basis(others) if others else (0, "nothing comes before it")
    caps = Caps(work.queue_limits, work.key_limits)
    starts = [
        makespan(
            [*others, task],
            times.drawn(again) | {task_id: 0.0},
            slots=work.slots,
            caps=caps,
            pause=work.pause_s,
            of={task_id},
        )
        for again in range(_often(others))
    ]
    return _spread(starts, least, _cut(basis, work))


def _waits_for(task: OpenTask, known: Mapping[TaskId, OpenTask]) -> set[TaskId]:
    """All that must end before a task may start."""
    found: set[TaskId] = set()
    left = [task]
    while left:
        parents = {parent for parent, _ in left.pop().parents if parent in known} - found
        found |= parents
        left += [known[parent] for parent in parents]
    return found


def _before(task: OpenTask, ordered: Sequence[OpenTask]) -> list[OpenTask]:
    """What runs, and what may start before a task: all of it where that is not ready yet.

    Not what waits for it; `ordered` has each below its parents.
    """
    must_wait = task.starts_in > 0 or bool(task.parents)
    mine = -task.priority, task.id
    below = {task.id}
    found: list[OpenTask] = []
    for one in ordered:
        if one.id in below or any(parent in below for parent, _ in one.parents):
            below.add(one.id)
        elif one.ran_for is not None or (
            one.starts_in <= max(task.starts_in, 0.0)
            and (must_wait or (-one.priority, one.id) < mine)
        ):
            found.append(one)
    return found


def _share(one: OpenTask, other: OpenTask, work: OpenWork) -> bool:
    """Whether two are under the same limit."""
    of_queue = one.queue == other.queue and one.queue in work.queue_limits
    return of_queue or (one.key is not None and one.key == other.key)


def _often(tasks: Sequence[OpenTask]) -> int:
    """How many times such a number of tasks is run through."""
    return min(_MOST, max(_FEWEST, _STEPS // max(1, len(tasks))))


def _cut(basis: str, work: OpenWork) -> str:
    return basis + (f", by the first {len(work.tasks):,} tasks" if work.is_cut else "")


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
    basis = _cut(basis, work)
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
    drawn = [times.drawn(again) for again in range(_often(tasks))]
    caps, pause = Caps(work.queue_limits, work.key_limits), work.pause_s
    found: list[Forecast] = []
    for number in workers:
        left = replace(NO_WORKER, runs=least)
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
