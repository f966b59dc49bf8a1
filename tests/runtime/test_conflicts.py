"""Others in the way: a transaction that met ours, a table of somebody else that refers to tasks."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from jobrunner import NewTask, TaskQueue
from jobrunner.core.errors import ConflictError, DatabaseError
from jobrunner.runtime.liveness import Liveness
from jobrunner.runtime.maintenance import PRUNE_EVERY, Maintenance
from jobrunner.storage import control
from tests.runtime.support import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def queue(location, events, clock):
    queue = TaskQueue(location, emit=events, clock=clock)
    yield queue
    queue.close()


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("cancel", lambda queue, task: queue.cancel(task.id)),
        ("change", lambda queue, task: queue.update(task.id, priority=7)),
    ],
)
def test_a_change_that_met_another_is_repeated_once(queue, monkeypatch, name, call):
    failures = [1]
    change = getattr(control, name)

    def met(transaction, *values, **named):
        changed = change(transaction, *values, **named)
        if failures and failures.pop():
            raise ConflictError("the database had two transactions in each other's way")
        return changed

    monkeypatch.setattr(control, name, met)
    task = queue.enqueue(NewTask(command=["true"]))
    call(queue, task)
    assert queue.get(task.id) != task
    failures += [1, 1]
    with pytest.raises(ConflictError):
        call(queue, queue.enqueue(NewTask(command=["true"])))
    failures[:] = [1]
    joined = queue.enqueue(NewTask(command=["true"]))
    with pytest.raises(ConflictError), queue.transaction():  # all of it is taken back
        call(queue, joined)


def test_old_tasks_that_a_table_of_somebody_else_names_are_told_of_once_a_minute(
    queue, clock, events, tmp_path
):
    with queue.database.writing() as transaction:
        kind = "INTEGER" if queue.database.path else "BIGINT"
        transaction.execute(text(f"CREATE TABLE mine (task {kind} REFERENCES tasks (id))"))
    old = queue.enqueue(NewTask(function="add"))
    with queue.transaction() as transaction:
        transaction.execute(text("INSERT INTO mine VALUES (:id)"), {"id": old.id})
    queue.cancel(old.id)
    liveness = Liveness(tmp_path / "locks")
    sweeps = Maintenance(queue.database, liveness, clock=clock, emit=events, lost_after=30.0)
    clock.moment += timedelta(days=8)
    with pytest.raises(DatabaseError, match="rows of another table refer to them"):
        sweeps.sweep()
    clock.seconds += PRUNE_EVERY - 1
    sweeps.sweep()
    clock.seconds += 10
    with pytest.raises(DatabaseError, match="rows of another table refer to them"):
        sweeps.sweep()
    assert queue.find()
    with queue.transaction() as transaction:
        transaction.execute(text("DROP TABLE mine"))
