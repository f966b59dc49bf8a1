"""What people do to tasks: cancel, retry, change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, literal_column, select, update

from jobrunner.core.errors import TaskNotFoundError, TaskStateError
from jobrunner.core.status import FINAL, Status
from jobrunner.core.task import TaskId, may_be_id
from jobrunner.core.transition import CANCEL_REQUESTED, RETRIED
from jobrunner.core.verdict import CANCEL_REASON
from jobrunner.storage import acts, notices, regain, telling
from jobrunner.storage.clauses import SPOILS
from jobrunner.storage.dependents import settle_dependents
from jobrunner.storage.dialect import lock_tasks
from jobrunner.storage.tables import dependencies, tasks

_OPEN_PARENT = tasks.c.status.not_in([status.value for status in FINAL])


def cancel(transaction: Connection, task_id: TaskId, *, now: datetime) -> Status:
    """Cancel a waiting task at once, or ask for the end of a running one.

    Returns the status after the call: `cancelled`, or `in_progress` where its worker has
    been asked to stop it.

    Raises:
        TaskNotFoundError: there is no such task.
        TaskStateError: it has ended already.
    """
    status = _locked(transaction, task_id)
    if status.is_final:
        raise TaskStateError(task_id, f"has ended already: it is {status}")
    this = update(tasks).where(tasks.c.id == task_id)
    if status is Status.IN_PROGRESS:
        asked = this.where(tasks.c.cancel_requested_at.is_(None))
        if transaction.execute(asked.values(cancel_requested_at=now)).rowcount:
            acts.note(transaction, [task_id], CANCEL_REQUESTED, now=now, status=status)
        return status
    transaction.execute(this.values(status=Status.CANCELLED, finished_at=now, error=CANCEL_REASON))
    acts.over(transaction, [task_id], was=status, now=now)
    notices.ends(transaction)
    telling.tell(transaction, [task_id], now=now)
    settle_dependents(transaction, {task_id: Status.CANCELLED}, now=now)
    return Status.CANCELLED


def retry(transaction: Connection, task_id: TaskId, *, now: datetime) -> Status:
    """Run a failed or cancelled task again, with at least one more attempt.

    Returns the new status, `pending` or `blocked`.

    Raises:
        TaskNotFoundError: there is no such task.
        TaskStateError: it has not ended, has completed, depends on a task that failed, or another
            one has its unique key.
    """
    regain.take_again(transaction, [task_id], now=now)
    if may_be_id(task_id):
        lock_tasks(transaction, _around(transaction, task_id))
    status = _locked(transaction, task_id)
    if status not in {Status.FAILED, Status.CANCELLED}:
        raise TaskStateError(task_id, f"is {status}; only failed and cancelled ones can be retried")
    waiting_on = _open_parents(transaction, task_id)
    # Open again: those it has released from waiting for it, but not yet to run, wait anew
    # (guarded by test_a_parent_that_ends_again_after_a_retry_is_not_counted_twice).
    mine = select(dependencies.c.dependent_id).where(dependencies.c.parent_id == task_id)
    transaction.execute(
        update(tasks)
        .where(tasks.c.id.in_(mine), tasks.c.status == literal_column("'blocked'"))
        .values(waiting_on=tasks.c.waiting_on + 1)
    )
    again = Status.BLOCKED if waiting_on else Status.PENDING
    acts.note(transaction, [task_id], RETRIED, now=now, status=again)
    transaction.execute(
        update(tasks)
        .where(tasks.c.id == task_id)
        .values(
            status=again,
            waiting_on=waiting_on,
            run_at=now,
            crashes=0,
            max_attempts=case(
                (tasks.c.max_attempts > tasks.c.attempt, tasks.c.max_attempts),
                else_=tasks.c.attempt + 1,
            ),
            finished_at=None,
            # A person wants it to run: an expiry that has passed would end it at once.
            expires_at=case((tasks.c.expires_at > now, tasks.c.expires_at)),
            cancel_requested_at=None,
            error=None,
        )
    )
    notices.work(transaction)
    return again


def change(transaction: Connection, task_id: TaskId, values: Mapping[str, Any]) -> None:
    """Set columns of a task that has not started.

    Raises:
        TaskNotFoundError: there is no such task.
        TaskStateError: it runs or has ended.
    """
    status = _locked(transaction, task_id)
    if status.is_final or status is Status.IN_PROGRESS:
        raise TaskStateError(task_id, f"is {status}; only waiting tasks can be changed")
    if values:
        transaction.execute(update(tasks).where(tasks.c.id == task_id).values(**values))
        notices.work(transaction)  # another queue may have it now


def _around(transaction: Connection, task_id: TaskId) -> list[int]:
    """A task, its parents and its dependents, in the order in which they are locked."""
    parent, dependent = dependencies.c.parent_id, dependencies.c.dependent_id
    edges = select(parent, dependent).where((parent == task_id) | (dependent == task_id))
    return sorted({task_id, *(end for edge in transaction.execute(edges) for end in edge)})


def _locked(transaction: Connection, task_id: TaskId) -> Status:
    query = select(tasks.c.status).where(tasks.c.id == task_id).with_for_update()
    # A number that no id can be would make SQLite's driver fail.
    status = transaction.scalar(query) if may_be_id(task_id) else None
    if status is None:
        raise TaskNotFoundError(task_id)
    return Status(status)


def _open_parents(transaction: Connection, task_id: TaskId) -> int:
    """How many parents have not ended; one that ended badly forbids the retry."""
    edges = select(dependencies.c.parent_id).where(dependencies.c.dependent_id == task_id)
    # None ends between this look and the wait for it.
    lock_tasks(transaction, transaction.scalars(edges.order_by(dependencies.c.parent_id)).all())
    query = (
        select(tasks.c.id, tasks.c.status)
        .join(dependencies, dependencies.c.parent_id == tasks.c.id)
        .where(dependencies.c.dependent_id == task_id)
    )
    spoilt = transaction.execute(query.where(SPOILS).limit(1)).first()
    if spoilt:
        parent, status = spoilt
        raise TaskStateError(
            task_id,
            f"depends on task {parent}, which is {status}",
            hint=f"Retry that one first: jobrunner task retry {parent} {task_id}.",
        )
    waiting_on = len(transaction.execute(query.where(_OPEN_PARENT)).all())
    if not waiting_on:
        _check_called_for(transaction, task_id)
    return waiting_on


def _check_called_for(transaction: Connection, task_id: TaskId) -> None:
    """Refuse the retry of what runs only after a failure, where there was none."""
    query = (
        select(tasks.c.status)
        .distinct()
        .join(dependencies, dependencies.c.parent_id == tasks.c.id)
        .where(
            dependencies.c.dependent_id == task_id,
            dependencies.c.on_failure == literal_column("'only'"),
        )
    )
    if {*transaction.scalars(query)} == {Status.COMPLETED.value}:
        raise TaskStateError(
            task_id, "runs only if a task that it waits for does not complete, and all have"
        )
