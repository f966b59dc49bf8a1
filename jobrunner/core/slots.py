"""List scheduling: open tasks in the slots of workers, in the order of claims."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from jobrunner.core.open_work import OpenTask
from jobrunner.core.task import TaskId


class Caps(NamedTuple):
    """How many may run at a time of a queue, and of a concurrency key."""

    queues: Mapping[str, int]
    keys: Mapping[str, int]


Rule = tuple[str, str]
"""A limit: `queue` or `key`, and its name."""

Turn = tuple[int, TaskId]
"""Whose turn it is: of the highest priority first, then of the lowest id."""


def makespan(
    tasks: Sequence[OpenTask],
    took: Mapping[TaskId, float],
    *,
    slots: int,
    caps: Caps,
    pause: float = 0.0,
    of: Collection[TaskId] | None = None,
) -> float:
    """Seconds until the last has ended, `slots` at a time, each as soon as it may run.

    The last of all, or with `of` of these: as soon as they have, it ends.
    What runs already goes on, even where that is more than the slots. Each other waits for its
    start for `pause` seconds, once there is a slot.
    """
    took = {task.id: took[task.id] + (pause if task.ran_for is None else 0.0) for task in tasks}
    wanted = took.keys() if of is None else took.keys() & of
    return _Run(tasks, took, slots, caps).until_the_end(set(wanted))


class _Run:
    """One time through."""

    def __init__(
        self, tasks: Sequence[OpenTask], took: Mapping[TaskId, float], slots: int, caps: Caps
    ) -> None:
        self._tasks = {task.id: task for task in tasks}
        self._took = took
        self._slots = slots
        self._now = 0.0
        self._running: list[tuple[float, TaskId]] = []  # heaps, all of them
        self._later: list[tuple[float, TaskId]] = []
        self._ready: list[Turn] = []
        self._aside: defaultdict[Rule, list[Turn]] = defaultdict(list)
        self._caps = {("queue", name): most for name, most in caps.queues.items()}
        self._caps |= {("key", name): most for name, most in caps.keys.items()}
        self._used: Counter[Rule] = Counter()
        self._dependents: defaultdict[TaskId, list[TaskId]] = defaultdict(list)
        self._waiting_on: dict[TaskId, int] = {}
        for task in tasks:
            parents = [parent for parent, _ in task.parents if parent in self._tasks]
            self._waiting_on[task.id] = len(parents)
            for parent in parents:
                self._dependents[parent].append(task.id)
        for task in tasks:
            if task.ran_for is not None:
                self._start(task)
            elif not self._waiting_on[task.id]:
                self._release(task)

    def until_the_end(self, wanted: set[TaskId]) -> float:
        while wanted:
            self._fill()
            ends = self._running[0][0] if self._running else None
            starts = self._later[0][0] if self._later else None
            if starts is not None and (ends is None or starts < ends):
                self._now = max(self._now, starts)
                self._ready_at_last()
            elif ends is not None:
                self._now = ends
                _, task_id = heapq.heappop(self._running)
                wanted.discard(task_id)
                self._end(task_id)
            else:
                break  # nothing can start: the limits let nothing through
        return self._now

    def _fill(self) -> None:
        while self._ready and len(self._running) < self._slots:
            turn = heapq.heappop(self._ready)
            task = self._tasks[turn[1]]
            full = next((rule for rule in self._rules(task) if not self._has_room(rule)), None)
            if full is None:
                self._start(task)
                continue
            heapq.heappush(self._aside[full], turn)
            for rule in self._rules(task):
                self._call(rule)  # what it does not take another may

    def _start(self, task: OpenTask) -> None:
        self._used.update(self._rules(task))
        heapq.heappush(self._running, (self._now + self._took[task.id], task.id))

    def _end(self, task_id: TaskId) -> None:
        task = self._tasks[task_id]
        for rule in self._rules(task):
            self._used[rule] -= 1
            self._call(rule)
        for dependent in self._dependents[task_id]:
            self._waiting_on[dependent] -= 1
            if not self._waiting_on[dependent]:
                self._release(self._tasks[dependent])

    def _release(self, task: OpenTask) -> None:
        if task.starts_in > self._now:
            heapq.heappush(self._later, (task.starts_in, task.id))
        else:
            heapq.heappush(self._ready, (-task.priority, task.id))

    def _ready_at_last(self) -> None:
        while self._later and self._later[0][0] <= self._now:
            _, task_id = heapq.heappop(self._later)
            heapq.heappush(self._ready, (-self._tasks[task_id].priority, task_id))

    def _rules(self, task: OpenTask) -> list[Rule]:
        """Which limits it is under."""
        rules = [("queue", task.queue)] + ([("key", task.key)] if task.key is not None else [])
        return [rule for rule in rules if rule in self._caps]

    def _has_room(self, rule: Rule) -> bool:
        return self._used[rule] < self._caps[rule]

    def _call(self, rule: Rule) -> None:
        """Let the next that stands aside try again, if there is room for it."""
        if self._aside[rule] and self._has_room(rule):
            heapq.heappush(self._ready, heapq.heappop(self._aside[rule]))
