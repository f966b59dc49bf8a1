"""What is still to be done, as far as it takes to tell when: open tasks, and what holds them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from jobrunner.core.estimate import Kind
from jobrunner.core.graph import parents_first
from jobrunner.core.task import Progress, TaskId

_ONLY: Final = "only"
_CANCEL: Final = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask:
    """A task that has not ended. Spans are seconds from now on.

    `ran_for` is since when it runs, `None` for one that waits; `earlier_s` what its attempts ran
    before that went into its progress. `parents` are those that are open, with what their failure
    means; `has_failed_parent` says that one of an `only` edge did not complete. When an event that
    it waits for is sent, nobody knows.
    """

    id: TaskId
    kinds: tuple[Kind, ...]
    queue: str = "default"
    key: str | None = None
    priority: int = 0
    starts_in: float = 0.0
    ran_for: float | None = None
    earlier_s: float = 0.0
    progress: Progress | None = None
    parents: tuple[tuple[TaskId, str], ...] = ()
    has_failed_parent: bool = False
    waits_for_event: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWork:
    """Open tasks with what holds them back; if `is_cut`, there are more than these.

    `wanted` are those that are asked for, `None` for all; the others compete with them for slots.
    `number` is how many are asked for, of which not all may be here.
    `queue_limits` and `key_limits` are how many may run at a time. `slots` is how many the workers
    that are there run at a time; `pause_s` is how long one stands empty between two runs.
    """

    tasks: Sequence[OpenTask] = ()
    wanted: Collection[TaskId] | None = None
    number: int = 0
    is_cut: bool = False
    paused: Collection[str] = ()
    queue_limits: Mapping[str, int] = field(default_factory=dict[str, int])
    key_limits: Mapping[str, int] = field(default_factory=dict[str, int])
    slots: int = 0
    pause_s: float = 0.0

    def asked_for(self, tasks: Iterable[OpenTask]) -> list[OpenTask]:
        """Those of these that are asked for."""
        return [task for task in tasks if self.wanted is None or task.id in self.wanted]

    @property
    def kinds(self) -> set[Kind]:
        """Of what runs must be known."""
        return {kind for task in self.tasks for kind in task.kinds}


@dataclass(frozen=True, slots=True)
class Course:
    """What becomes of open tasks if all that run complete.

    `run` are those that will, each below its parents; `held` those of paused queues, those that
    wait for events, and all that wait for these; the rest is cancelled.
    """

    run: Sequence[OpenTask]
    held: Sequence[OpenTask]


def course(work: OpenWork) -> Course:
    """Tell apart what will run, what is held, and what only a failure would start."""
    known = {task.id: task for task in work.tasks}
    parents = {
        task.id: [parent for parent, _ in task.parents if parent in known] for task in work.tasks
    }
    held: set[TaskId] = set()
    spared: set[TaskId] = set()
    ordered = [known[task_id] for task_id in parents_first(parents, name=str)]
    for task in ordered:
        is_running = task.ran_for is not None
        is_paused = (task.queue in work.paused or task.waits_for_event) and not is_running
        if is_paused or not held.isdisjoint(parents[task.id]):
            held.add(task.id)
        elif not is_running and _is_spared(task, spared):
            spared.add(task.id)
    return Course(
        [task for task in ordered if task.id not in held and task.id not in spared],
        [task for task in ordered if task.id in held],
    )


def _is_spared(task: OpenTask, spared: AbstractSet[TaskId]) -> bool:
    """Whether it does not run: a parent will not complete, or it was to run only for that."""
    if any(rule == _CANCEL and parent in spared for parent, rule in task.parents):
        return True
    only = [parent for parent, rule in task.parents if rule == _ONLY]
    return bool(only) and not task.has_failed_parent and spared.isdisjoint(only)
