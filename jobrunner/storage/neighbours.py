"""Tasks and their dependencies, from one of them outwards."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from jobrunner.core.errors import TaskNotFoundError
from jobrunner.core.insight_graph import TaskEdge, TaskGraph, TaskNode
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId, may_be_id
from jobrunner.storage.batches import get as get_batch
from jobrunner.storage.chunks import chunks
from jobrunner.storage.names import NAMING, name_of
from jobrunner.storage.tables import dependencies, tasks

EDGES_A_NODE: Final = 10
"""So many edges a task, on average, are more than can be drawn."""

_RAN: Final = {Status.COMPLETED, Status.FAILED}
_EDGE: Final = (dependencies.c.parent_id, dependencies.c.dependent_id, dependencies.c.on_failure)
_NODE: Final = (tasks.c.id, tasks.c.status, tasks.c.started_at, tasks.c.finished_at, *NAMING)


class _Growing:
    """Tasks that were reached so far, at most `limit`, and the edges that were seen.

    With a limit of 0 no others are reached, and none are missed.
    """

    def __init__(self, transaction: Connection, reached: Iterable[int], limit: int) -> None:
        self.is_cut = False
        self._transaction = transaction
        self._limit = limit
        self._reached = dict.fromkeys(reached)  # in order
        self._edges: dict[tuple[int, int], str] = {}

    def grow(self, around: Sequence[int]) -> list[int]:
        """Follow all edges of some tasks, in both directions; returns what was reached anew."""
        new: list[int] = []
        for some in chunks(around):
            for parent, dependent, on_failure in self._around(some):
                self._edges[parent, dependent] = on_failure
                for end in (parent, dependent):
                    if end in self._reached:
                        continue
                    if len(self._reached) < self._limit:
                        self._reached[end] = None
                        new.append(end)
                    elif self._limit:
                        self.is_cut = True
        return new

    def _around(self, some: Sequence[int]) -> Iterable[tuple[int, int, str]]:
        most = max(self._limit, len(self._reached)) * EDGES_A_NODE
        parent, dependent, _ = _EDGE
        for end, other in ((dependent, parent), (parent, dependent)):  # parents are fewer
            query = select(*_EDGE).where(end.in_(some)).order_by(end, other).limit(most + 1)
            found = self._transaction.execute(query).all()
            self.is_cut |= len(found) > most
            yield from ((one, two, rule) for one, two, rule in found[:most])

    def graph(self) -> TaskGraph:
        found = nodes(self._transaction, [*self._reached])
        edges = [
            TaskEdge(TaskId(parent), TaskId(dependent), on_failure)
            for (parent, dependent), on_failure in sorted(self._edges.items())
            if parent in self._reached and dependent in self._reached
        ]
        return TaskGraph(found, edges, self.is_cut)


def graph(transaction: Connection, task_id: int, *, limit: int) -> TaskGraph:
    """All that a task hangs together with, the nearest first, at most so many tasks.

    Raises:
        TaskNotFoundError: there is no such task.
    """
    growing = _Growing(transaction, [_there(transaction, task_id)], limit)
    around = [task_id]
    while around:
        around = growing.grow(around)
    return growing.graph()


def neighbours(transaction: Connection, task_id: int, *, limit: int) -> TaskGraph:
    """A task with its parents and its dependents.

    Raises:
        TaskNotFoundError: there is no such task.
    """
    growing = _Growing(transaction, [_there(transaction, task_id)], limit)
    growing.grow([task_id])
    return growing.graph()


def of_batch(transaction: Connection, batch_id: int, *, limit: int) -> TaskGraph:
    """The members and the callbacks of a batch with the edges among them.

    Raises:
        BatchNotFoundError: there is no such batch.
    """
    batch = get_batch(transaction, batch_id)
    callbacks = [batch.on_success, batch.on_failure, batch.on_end]
    ids: list[int] = [task_id for task_id in callbacks if task_id is not None]
    members = select(tasks.c.id).where(tasks.c.batch_id == batch_id).order_by(tasks.c.id)
    ids = [*dict.fromkeys([*ids, *transaction.scalars(members.limit(limit + 1))])]
    growing = _Growing(transaction, ids[:limit], 0)
    growing.grow(ids[:limit])
    growing.is_cut |= len(ids) > limit
    return growing.graph()


def _there(transaction: Connection, task_id: int) -> int:
    if may_be_id(task_id):
        query = select(tasks.c.id).where(tasks.c.id == task_id)
        if transaction.scalar(query) is not None:
            return task_id
    raise TaskNotFoundError(task_id)


def nodes(transaction: Connection, ids: Sequence[int]) -> list[TaskNode]:
    """Tasks as they stand in a graph, by id; unknown ids are left out."""
    found: list[TaskNode] = []
    for some in chunks(sorted(ids)):
        query = select(*_NODE).where(tasks.c.id.in_(some)).order_by(tasks.c.id)
        found += [_node(*row) for row in transaction.execute(query)]
    return found


def _node(task_id: int, status: str, started_at: Any, finished_at: Any, *naming: Any) -> TaskNode:
    ran = Status(status) in _RAN and started_at is not None
    return TaskNode(
        id=TaskId(task_id),
        name=name_of(*naming),
        status=Status(status),
        started_at=started_at,
        finished_at=finished_at,
        run_s=max(0.0, (finished_at - started_at).total_seconds()) if ran else None,
    )
