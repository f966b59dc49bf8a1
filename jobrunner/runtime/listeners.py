"""Tell an application's hooks which statuses have changed, from the worker's own loop."""

from collections import deque
from collections.abc import Callable, Iterator

from jobrunner.core import payload
from jobrunner.core.events import DependentCancelled, Event, TaskRescued
from jobrunner.core.status import Status
from jobrunner.core.task import Lease
from jobrunner.runtime.around import StatusChange, tell
from jobrunner.runtime.registry import Registry
from jobrunner.runtime.settler import Turn
from jobrunner.storage.record import problem


class Listeners:
    """Those of an application's hooks that hear of statuses; nothing is done where there is none.

    They are called once what they hear of is stored, in the loop that claims and settles: a slow
    one holds up its worker.
    """

    def __init__(self, registry: Registry, trouble: Callable[[str], None]) -> None:
        """`trouble` is told what goes wrong in a hook."""
        self._registry = registry
        self._trouble = trouble
        self._overheard: deque[StatusChange] = deque()
        self._are_any = registry.hears_statuses

    def hear(self, turn: Turn) -> None:
        """Tell of all that a transaction did."""
        if self._are_any:
            for function, change in _changes(turn):
                self._tell(function, change)

    def overhear(self, event: Event) -> None:
        """Note what the sweeps did to somebody's tasks, from their thread; see `catch_up`."""
        if self._are_any and isinstance(event, TaskRescued):
            change = StatusChange(event.task_id, "", event.status, error=event.error)
            self._overheard.append(change)
        elif self._are_any and isinstance(event, DependentCancelled):
            self._overheard.append(_cancelled(event.task_id, event.parent_id))

    def catch_up(self) -> None:
        """Tell of what was overheard: the thread that shows life must not run anybody's hooks."""
        while self._overheard:
            self._tell(None, self._overheard.popleft())

    def _tell(self, function: str | None, change: StatusChange) -> None:
        for problem_told in tell(self._registry.arounds(function), change):
            self._trouble(problem_told)


def _changes(turn: Turn) -> Iterator[tuple[str | None, StatusChange]]:
    for end, verdict in turn.settlement.settled:
        lease = end.lease
        error = problem(end.outcome) or verdict.error
        change = StatusChange(lease.task_id, name(lease), verdict.status, lease.attempt, error)
        yield lease.function, change
    for dependent, parent in turn.settlement.cancelled_dependents:
        yield None, _cancelled(dependent, parent)
    for lease in turn.leases:
        change = StatusChange(lease.task_id, name(lease), Status.IN_PROGRESS, lease.attempt)
        yield lease.function, change


def _cancelled(task_id: int, parent: int) -> StatusChange:
    error = f"task {parent}, which it depends on, did not complete"
    return StatusChange(task_id, "", Status.CANCELLED, error=error)


def name(lease: Lease) -> str:
    """What a claimed task runs, in a word."""
    if lease.function is not None:
        return lease.function
    program: str = payload.decode(lease.command)[0]
    return program
