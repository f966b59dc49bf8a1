"""What new tasks wait for: their edges, and what the parents' statuses make of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from jobrunner.core.errors import UnknownParentError
from jobrunner.core.graph import parents_first
from jobrunner.core.new_task import NewTask
from jobrunner.core.result import Result
from jobrunner.core.results import Find
from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskId
from jobrunner.storage.chunks import chunks
from jobrunner.storage.tables import tasks

ONLY: Final = "only"
"""The rule of an edge whose dependent runs if a parent of such an edge did not complete."""

NOTHING_FAILED: Final = "nothing failed: it runs only if a task that it waits for does not complete"

Edge = tuple[TaskId, str]
"""A parent and what its failure means to the dependent: `cancel`, `run` or `only`."""


class Membership(NamedTuple):
    """A call of `enqueue` whose tasks are members of a batch, but for its callbacks.

    Each callback waits for all members, over edges of the rule that is given, and for `also`: tasks
    that were there already in the place of members.
    """

    batch_id: int
    callbacks: Mapping[NewTask[Any], str] = {}
    also: Sequence[TaskId] = ()


def _callbacks(membership: Membership | None) -> Mapping[NewTask[Any], str]:
    return membership.callbacks if membership else {}


def finder(own: Mapping[NewTask[Any], TaskId]) -> Find:
    """What finds the id of a parent, given the ids of the tasks of the same call."""

    def find(parent: Any) -> TaskId:
        match parent:
            case Task():
                return parent.id
            case Result():
                return parent.task_id
            case NewTask():
                if parent not in own:
                    raise UnknownParentError(parent.name)
                return own[parent]
            case _:
                return TaskId(parent)

    return find


def edges_of(
    new: Sequence[NewTask[Any]],
    ids: Sequence[TaskId],
    wants: Mapping[TaskId, Sequence[TaskId]],
    membership: Membership | None,
    *,
    find: Find,
) -> dict[TaskId, list[Edge]]:
    """The parents of each new task; one named twice keeps the stricter rule.

    `wants` are the tasks whose results are arguments.
    """
    callbacks = _callbacks(membership)
    members: list[TaskId] = []
    if membership is not None and callbacks:
        members += (i for task, i in zip(new, ids, strict=True) if task not in callbacks)
        members += membership.also
    edges: dict[TaskId, list[Edge]] = {}
    for task, task_id in zip(new, ids, strict=True):
        if not (task.after or task.after_any or task_id in wants or task in callbacks):
            continue
        rules = dict.fromkeys(map(find, task.after_any), "run")
        if task in callbacks:
            rules |= dict.fromkeys(members, callbacks[task])
        rules |= dict.fromkeys(map(find, task.after), "cancel")
        for parent in wants.get(task_id, ()):
            rules.setdefault(parent, "cancel")
        edges[task_id] = list(rules.items())
    return edges


def block(
    transaction: Connection,
    rows: Mapping[TaskId, dict[str, Any]],
    edges: Mapping[TaskId, Sequence[Edge]],
    *,
    new: Sequence[NewTask[Any]],
    membership: Membership | None,
    now: int,
) -> None:
    """Set the status of tasks that have parents, parents first.

    Raises:
        UnknownParentError: a parent does not exist.
        CycleError: tasks wait for each other.
    """
    inside = {
        task_id: [parent for parent, _ in edges.get(task_id, ()) if parent in rows]
        for task_id in rows
    }
    named = dict(zip(rows, new, strict=True))
    order = parents_first(inside, name=lambda task_id: named[TaskId(task_id)].name)
    outside = {p for parents in edges.values() for p, _ in parents if p not in rows}
    statuses = _statuses(transaction, outside)
    callbacks = _callbacks(membership)
    for number in order:
        task_id = TaskId(number)
        parents = edges.get(task_id, ())
        rows[task_id]["after"] = tuple(sorted(parent for parent, _ in parents))
        only = callbacks.get(named[task_id]) == ONLY
        apply_parents(rows[task_id], parents, statuses, now, only=only)
        statuses[task_id] = Status(rows[task_id]["status"])


def apply_parents(
    row: dict[str, Any],
    parents: Iterable[Edge],
    statuses: Mapping[TaskId, Status],
    now: Any,
    *,
    only: bool = False,
) -> None:
    """Block or cancel a task that could run but for its parents.

    `only` says that it runs only after a failure, even where it has no parent at all.
    """
    waiting_on, is_called_for = 0, False
    for parent, rule in parents:
        status = statuses[parent]
        only |= rule == ONLY
        if not status.is_final:
            waiting_on += 1
        elif status is not Status.COMPLETED:
            if rule == "cancel":
                reason = f"task {parent}, which it depends on, {said(status)}"
                row |= {"status": Status.CANCELLED.value, "finished_at": now, "error": reason}
                return
            is_called_for |= rule == ONLY
    if waiting_on:
        row |= {"status": Status.BLOCKED.value, "waiting_on": waiting_on}
    elif only and not is_called_for:
        row |= {"status": Status.CANCELLED.value, "finished_at": now, "error": NOTHING_FAILED}


def said(status: Status) -> str:
    """How a parent's end is told in a sentence."""
    return "failed" if status is Status.FAILED else "was cancelled"


def _statuses(transaction: Connection, ids: set[TaskId]) -> dict[TaskId, Status]:
    found: dict[TaskId, Status] = {}
    # Locked, so that no parent ends between this look and the edge that waits for it.
    # In one order, so that no two wait for each other.
    query = select(tasks.c.id, tasks.c.status).order_by(tasks.c.id).with_for_update(read=True)
    for chunk in chunks(sorted(ids)):
        for task_id, status in transaction.execute(query.where(tasks.c.id.in_(chunk))):
            found[TaskId(task_id)] = Status(status)
    for missing in sorted(ids - found.keys()):
        raise UnknownParentError(missing)
    return found
