"""The client does what a TaskQueue does: each test runs on both, and on both databases."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobrunner import (
    Cache,
    DuplicateTaskError,
    InvalidTaskError,
    NewTask,
    PayloadError,
    Result,
    Status,
    TaskFailedError,
    TaskNotFoundError,
    TaskQueue,
    TaskStateError,
    Unique,
    UnknownFunctionError,
    UnknownParentError,
    WaitTimeoutError,
    Worker,
)
from jobrunner.core.errors import CycleError
from jobrunner.core.hook import RESERVED

LATER = timedelta(hours=1)
PATIENCE = 30


def add(**fields):
    return NewTask(**({"function": "add", "args": [1, 2]} | fields))


def work(queue: TaskQueue) -> None:
    if "add" not in queue.registry.names:
        queue.task(name="add")(lambda a, b: a + b)
        queue.task(name="fail", max_attempts=1)(lambda: 1 / 0)
    Worker(queue, concurrency=2).run(until_empty=True)


def seen(worker):
    """A worker as far as others are told of it."""
    return replace(worker, boot_id="", beat=0)


FULL = [
    NewTask(
        function="add",
        args=[1, {"$result": [None]}],
        kwargs={"größe": 2.5},
        queue="slow",
        priority=-3,
        description="what it is",
        delay=LATER,
        timeout=timedelta(seconds=1.5),
        max_attempts=2,
        concurrency_key="tenant:7",
        needs={"gpu": 0.5},
        unique=Unique(key="k", within=LATER),
        expires_in=2 * LATER,
        cache=Cache(version="2"),
    ),
    NewTask(function="add", run_at=datetime(2030, 1, 1, tzinfo=UTC), after_any=[1]),
    NewTask(command=["echo", Result(1)], cwd="/", result="stdout", results=True),
]


def test_a_task_is_stored_as_it_was_asked_for(either, queue):
    either.enqueue(add())
    for new in FULL:
        task = either.enqueue(new)
        assert task == queue.get(task.id) == either.get(task.id)
        assert task.source is either
    direct = [queue.enqueue(replace(new, unique=None)) for new in FULL]
    again = [either.enqueue(replace(new, unique=None)) for new in FULL]
    for one, other in zip(again, direct, strict=True):
        moments = {name: getattr(other, name) for name in ("created_at", "run_at", "expires_at")}
        assert replace(one, id=other.id, **moments) == other


def test_many_are_stored_in_one_call_with_edges_among_them(either, queue):
    parent = add()
    child = NewTask(function="add", args=[parent, 4])
    last = add(after=[child])
    tasks = either.enqueue_many([last, child, parent])
    assert [task.status for task in tasks] == ["blocked", "blocked", "pending"]
    assert tasks == [queue.get(task.id) for task in tasks]
    assert tasks[0].after == (tasks[1].id,)
    work(queue)
    assert [task.result() for task in either.wait(tasks, timeout=PATIENCE)] == [3, 7, 3]


def test_ids_are_enough_for_very_many(either, queue):
    ids = either.enqueue_ids([add() for _ in range(3)])
    assert [task.id for task in queue.find()] == ids[::-1]
    assert either.enqueue_many([]) == either.enqueue_ids([]) == []


def test_a_command_is_stored_and_run(either, queue):
    task = either.enqueue_command(["true"], timeout=5, description="nothing")
    Worker(queue, concurrency=1).run(until_empty=True)
    assert task.wait(PATIENCE).result() == 0
    (attempt,) = either.history(task.id)
    assert attempt.exit_code == 0


def test_one_that_is_there_already_is_returned(either):
    first = either.enqueue(add(unique="k"))
    keep = Unique(key="k", on_conflict="ignore")
    assert not first.is_duplicate
    assert either.enqueue(add(unique=keep)) == replace(first, is_duplicate=True)
    new, old = either.enqueue_many([add(), add(unique=keep)])
    assert (new.is_duplicate, old.is_duplicate, old.id) == (False, True, first.id)
    with pytest.raises(DuplicateTaskError) as raised:
        either.enqueue(add(unique="k"))
    assert (raised.value.key, raised.value.task_id) == ("k", first.id)


def cycle():
    first, second = add(after=[1]), add(after=[1])
    object.__setattr__(first, "after", (second,))
    object.__setattr__(second, "after", (first,))
    return [first, second]


@pytest.mark.parametrize(
    ("new", "kind"),
    [
        ([add(after=[99])], UnknownParentError),
        ([add(), add(after=[99])], UnknownParentError),
        ([add(after=[add()])], UnknownParentError),
        ([add(args=[{1}])], PayloadError),
        (cycle(), CycleError),
        ([add(queue=f"{RESERVED}hooks")], InvalidTaskError),
    ],
    ids=["parent", "one of many", "of another call", "set", "cycle", "reserved"],
)
def test_what_cannot_be_stored_is_refused(either, queue, new, kind):
    with pytest.raises(kind) as raised:
        either.enqueue_many(new)
    assert type(raised.value) is kind
    assert queue.find() == []


def test_a_function_that_is_not_known_is_refused(either, queue):
    queue.task(name="add")(lambda a, b: a + b)
    with pytest.raises(UnknownFunctionError) as raised:
        either.enqueue(NewTask(function="ad"))
    assert raised.value.known == ("add",)
    assert raised.value.hint == "Did you mean 'add'?"


def test_a_task_is_changed(either, queue):
    task = either.enqueue(add(delay=LATER, timeout=timedelta(seconds=5)))
    changes = {"priority": 3, "delay": 2 * LATER, "timeout": None, "args": [3, 4], "queue": "slow"}
    changed = either.update(task.id, **changes)
    assert changed == queue.get(task.id)
    assert (changed.priority, changed.timeout, changed.args) == (3, None, (3, 4))
    assert changed.run_at - task.run_at > LATER / 2
    for wrong in ({"priority": 2**40}, {"nothing": 1}, {"queue": ""}):
        with pytest.raises(InvalidTaskError):
            either.update(task.id, **wrong)


def test_a_task_is_cancelled_and_retried(either, queue):
    parent = either.enqueue(add())
    task = either.enqueue(add(after=[parent.id]))
    assert either.cancel(task.id) is Status.CANCELLED
    with pytest.raises(TaskStateError) as raised:
        either.cancel(task.id)
    assert raised.value.task_id == task.id
    assert either.retry(task.id) is Status.BLOCKED
    work(queue)
    assert either.rewind(parent.id) == [parent.id, task.id]
    assert task.refresh().status is Status.BLOCKED
    work(queue)
    assert either.retry(parent.id, downstream=True) is Status.PENDING


@pytest.mark.parametrize("task_id", [99, 2**60, 2**70, -1, 0])
def test_a_task_that_is_not_there_is_told(either, task_id):
    calls = [either.get, either.cancel, either.retry, either.rewind, either.transitions]
    calls.append(lambda one: either.wait([one]))
    for call in calls:
        with pytest.raises(TaskNotFoundError) as raised:
            call(task_id)
        assert raised.value.task_id == task_id
    assert either.history(task_id) == []


def test_a_task_is_waited_for_and_has_a_result(either, queue):
    good, bad = either.enqueue_many([add(), NewTask(function="fail", max_attempts=1)])
    with pytest.raises(TaskStateError):
        good.result()
    worker = threading.Timer(0.3, work, [queue])
    worker.start()
    heard = []
    ended = either.wait([bad, good.id, bad], timeout=PATIENCE, on_open=heard.append)
    worker.join()
    assert ended == [queue.get(task.id) for task in (bad, good, bad)]
    assert heard[0] >= 2
    assert heard[-1] == 0
    assert good.wait().result() == 3
    with pytest.raises(TaskFailedError, match="division by zero"):
        bad.wait().result()


def test_a_wait_has_an_end(either):
    tasks = either.enqueue_many([add(), add()])
    with pytest.raises(WaitTimeoutError) as raised:
        either.wait(tasks, timeout=0.3)
    assert raised.value.task_ids == tuple(task.id for task in tasks)
    with pytest.raises(WaitTimeoutError):
        either.wait(tasks, timeout=0)


def test_a_task_that_is_cancelled_ends_a_wait(either, queue):
    task = either.enqueue(add())
    cancel = threading.Timer(0.3, queue.cancel, [task.id])
    cancel.start()
    assert task.wait(PATIENCE).status is Status.CANCELLED
    cancel.join()
