"""What an enqueue returns is what a look at the database would find."""

from datetime import timedelta

import pytest

from jobrunner import NewTask, TaskQueue
from jobrunner.core.outcome import Failed
from jobrunner.core.task import Task
from jobrunner.storage import reads
from jobrunner.storage.enqueue import enqueue
from jobrunner.storage.stored import as_stored
from tests.storage.conftest import NOW, Nowhere

KINDS = {
    "plain": {"function": "work"},
    "arguments": {"function": "work", "args": (1, (2, "ü"), {"a": None}), "kwargs": {"b": (1.5,)}},
    "command": {"command": ("echo", "a b"), "cwd": "/", "description": "say it"},
    "scheduled": {"function": "work", "delay": timedelta(microseconds=1)},
    "at a moment": {"function": "work", "run_at": NOW + timedelta(days=1, microseconds=7)},
    "options": {
        "function": "work",
        "queue": "images",
        "priority": -3,
        "max_attempts": 1,
        "timeout": timedelta(seconds=0.5),
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_task_is_told_as_it_is_found(store, kind):
    (row,) = store.write(enqueue, [NewTask(**KINDS[kind])], now=store.now)
    assert as_stored(row, Nowhere()) == store.get(row["id"])


def test_a_new_dependent_is_told_as_it_is_found(store):
    failed, waiting = store.add(), store.add()
    store.finish(failed, Failed("broken", retryable=False))
    new = [
        NewTask(function="cancelled", after=[failed]),
        NewTask(function="blocked", after=[waiting], after_any=[failed, store.add()]),
        NewTask(function="released", after_any=[failed]),
    ]
    new.append(NewTask(function="last", after=[new[1], new[0]]))
    rows = store.write(enqueue, new, now=store.now)
    found = store.read(reads.get_many, [row["id"] for row in rows], source=Nowhere())
    assert [as_stored(row, Nowhere()) for row in rows] == found
    assert [task.status for task in found] == ["cancelled", "blocked", "pending", "cancelled"]


def test_an_enqueued_task_can_be_read_again(location):
    queue = TaskQueue(location)
    task: Task[None] = queue.enqueue(NewTask(function="work", args=["a"]))
    assert task.refresh() == task
    queue.close()
