"""Store new tasks with their dependencies: all of them or none, in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection

from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.new_task import NewTask
from jobrunner.core.results import Encoder
from jobrunner.core.status import TO_CLAIM
from jobrunner.core.task import TaskId
from jobrunner.storage import notices, payloads, unique
from jobrunner.storage.dialect import reserve_ids
from jobrunner.storage.parents import Membership, block, edges_of, finder
from jobrunner.storage.prepared import Insert
from jobrunner.storage.replace import replace
from jobrunner.storage.rows import Row, row_of
from jobrunner.storage.tables import dependencies, tasks
from jobrunner.storage.telemetry import carried
from jobrunner.storage.types import micros

_TASK_COLUMNS: Final = (
    "id",
    "status",
    "queue",
    "priority",
    "run_at",
    "max_attempts",
    "waiting_on",
    "timeout",
    "created_at",
    "finished_at",
    "function",
    "command",
    "cwd",
    "args",
    "kwargs",
    "description",
    "error",
    "lane",
    "unique_key",
    "unique_in",
    "unique_until",
    "expires_at",
    "batch_id",
)
_in_order: Final = itemgetter(*_TASK_COLUMNS)
_INSERT_TASKS: Final = Insert(tasks, _TASK_COLUMNS)
_INSERT_EDGES: Final = Insert(dependencies, ("parent_id", "dependent_id", "on_failure"))


def enqueue(
    transaction: Connection,
    new: Sequence[NewTask[Any]],
    *,
    now: datetime,
    before: Sequence[TaskId] = (),
    membership: Membership | None = None,
) -> list[Row]:
    """Store `new` and return the rows in the same order, `after` with the ids of the parents.

    `after` and `after_any` may name tasks of the same call in any order. `before` are the ids of
    the same call whose COMMIT is in doubt. `membership` makes a batch of them.

    Where a task with its unique key was there, its row is only `{"id", "is_duplicate", …}`.

    Raises:
        PayloadError: an argument is not JSON or too large.
        DuplicateTaskError: a unique key is in use, which is to be an error.
        UnknownParentError: a parent does not exist.
        CycleError: tasks of this call wait for each other.
    """
    if not new:
        return []
    ids = [TaskId(number) for number in reserve_ids(transaction, len(new), before=before)]
    if any(task.unique is not None for task in new):
        return _enqueue_unique(transaction, new, ids, now=now, membership=membership)
    created_at = micros(now)
    encoder = Encoder(finder(dict(zip(new, ids, strict=True))))
    # No list of pairs: so many more small things have Python go through all of them more often.
    trace = carried()
    rows = [
        row_of(task, id_, created_at, encoder, trace=trace)
        for task, id_ in zip(new, ids, strict=True)
    ]
    return _store(transaction, new, rows, encoder, membership)


def _enqueue_unique(
    transaction: Connection,
    new: Sequence[NewTask[Any]],
    ids: Sequence[TaskId],
    *,
    now: datetime,
    membership: Membership | None,
) -> list[Row]:
    """Store what nobody else stands in for; dependents of the others wait for their stand-ins."""
    created_at = micros(now)
    resolved = unique.resolve(transaction, new, ids, now=now, created_at=created_at)
    kept = [at for at in range(len(new)) if at not in resolved.stand_ins]
    standing = resolved.ids(ids)
    encoder = Encoder(finder(dict(zip(new, standing, strict=True))))
    later = {holder.id: task for holder, task in resolved.replaced.items() if holder.is_new}
    trace = carried()
    rows = [
        row_of(later.get(ids[at], new[at]), ids[at], created_at, encoder, trace=trace)
        for at in kept
    ]
    if membership:
        others = {standing[at] for at in resolved.stand_ins} - set(ids)
        membership = membership._replace(also=sorted(others))
    stored = _store(transaction, [new[at] for at in kept], rows, encoder, membership)
    given = {
        holder: _in_place(
            task,
            row_of(task, holder.id, created_at, encoder, since=holder.created_at, trace=trace),
        )
        for holder, task in resolved.replaced.items()
        if not holder.is_new
    }
    return resolved.answers(ids, stored, replace(transaction, given, now=created_at))


def _in_place(task: NewTask[Any], row: Row) -> Row:
    """A row that is to replace another; the one that is there keeps its parents."""
    if row["wants"]:
        raise InvalidTaskError(
            f"{task.name} would wait for the results of others, and replaces one that does not",
            field="unique.on_conflict",
            hint="Pass the values themselves, or ignore it where one is there.",
        )
    return row


def _store(
    transaction: Connection,
    new: Sequence[NewTask[Any]],
    rows: list[Row],
    encoder: Encoder,
    membership: Membership | None,
) -> list[Row]:
    wants = {row["id"]: row["wants"] for row in rows if row["wants"]}
    ids = [row["id"] for row in rows]
    edges = edges_of(new, ids, wants, membership, find=encoder.find)
    if edges:
        by_id = {row["id"]: row for row in rows}
        now = rows[0]["created_at"]
        block(transaction, by_id, edges, new=new, membership=membership, now=now)
    if membership:
        for task, row in zip(new, rows, strict=True):
            row["batch_id"] = None if task in membership.callbacks else membership.batch_id
    short, apart = payloads.split(rows)
    _INSERT_TASKS.run(transaction, [_in_order(row) for row in short])
    payloads.put(transaction, apart)
    links = [
        (parent, task_id, on_failure)
        for task_id, parents in edges.items()
        for parent, on_failure in parents
    ]
    _INSERT_EDGES.run(transaction, links)
    notices.work(transaction, {row["queue"] for row in rows if row["status"] in TO_CLAIM})
    return rows
