"""Stored hooks: an end and what tells of it are stored together, or neither."""

import json
from contextlib import suppress

import pytest

from jobrunner.core.control_errors import DuplicateHookError, HookNotFoundError
from jobrunner.core.hook import HOOKS_QUEUE, WEBHOOK
from jobrunner.core.outcome import Cancelled, Completed, Failed, Released
from jobrunner.core.status import Status
from jobrunner.storage import event_hooks, telling

BROKEN = Failed("broken", retryable=False)


@pytest.fixture
def hook(store):
    def add(name="ops", on=("completed", "failed", "cancelled"), **fields):
        values = {"queue": None, "url": "https://example.org/", "command": None, "secret": None}
        return store.write(
            event_hooks.add,
            name,
            events=[Status(one) for one in on],
            may_be_private=False,
            now=store.now,
            **(values | fields),
        )

    return add


def told(store):
    """Which hook is told of what, in the order of their tasks."""
    query = "SELECT description FROM tasks WHERE queue = :queue ORDER BY id"
    return [said for (said,) in store.sql(query, queue=HOOKS_QUEUE)]


def ended(store, outcome, **fields):
    task_id = store.add(**fields)
    store.finish(task_id, outcome)
    return task_id


def test_each_end_that_is_asked_for_is_told_once(store, hook):
    hook("all")
    hook("bad", on=["failed"])
    done, broken = ended(store, Completed()), ended(store, BROKEN)
    gone = store.add()
    store.cancel(gone)
    assert told(store) == [
        f"hook all: task {done} completed",
        f"hook all: task {broken} failed",
        f"hook bad: task {broken} failed",
        f"hook all: task {gone} cancelled",
    ]


def test_what_runs_again_is_no_end(store, hook):
    hook()
    for outcome in (Failed("again"), Released()):
        ended(store, outcome, priority=5)
    assert told(store) == []


def test_dependents_that_end_with_their_parent_are_told_too(store, hook):
    hook(on=["cancelled"])
    parent = store.add()
    child = store.add(after=[parent])
    grandchild = store.add(after=[child])
    store.finish(parent, BROKEN)
    assert told(store) == [f"hook ops: task {n} cancelled" for n in (child, grandchild)]


def test_a_poison_pill_is_told_by_whoever_rescues_it(store, hook):
    hook(on=["failed"])
    task_id = store.add()
    store.sql("UPDATE tasks SET crashes = 4")
    store.claim_one()
    store.lose()
    store.rescue()
    assert told(store) == [f"hook ops: task {task_id} failed"]


def test_the_ends_of_what_tells_are_told_to_nobody(store, hook):
    hook()
    ended(store, Completed())
    (lease,) = store.claim()
    assert (lease.queue, lease.function) == (HOOKS_QUEUE, WEBHOOK)
    store.settle(lease, BROKEN)
    assert len(told(store)) == 1


def test_only_one_queue_is_told_if_that_is_asked_for(store, hook):
    hook(queue="a")
    mine, _ = ended(store, Completed(), queue="a"), ended(store, Completed(), queue="b")
    assert told(store) == [f"hook ops: task {mine} completed"]


def test_a_paused_or_removed_hook_is_told_nothing(store, hook):
    hook()
    store.write(event_hooks.pause, "ops", at=store.now)
    ended(store, Completed())
    assert told(store) == []
    store.write(event_hooks.pause, "ops", at=None)
    ended(store, Completed())
    assert len(told(store)) == 1
    store.write(event_hooks.remove, "ops")
    ended(store, Completed())
    assert len(told(store)) == 1


def test_an_end_that_is_rolled_back_is_told_to_nobody(store, hook):
    hook()
    store.add()
    lease = store.claim_one()

    def undone(transaction):
        telling.tell(transaction, [lease.task_id], now=store.now)
        raise RuntimeError

    with suppress(RuntimeError):
        store.write(undone)
    assert told(store) == []
    store.settle(lease, Completed())
    assert len(told(store)) == 1


def test_an_attempt_whose_lease_is_gone_is_told_to_nobody(store, hook):
    hook()
    store.add()
    lease = store.claim_one()
    store.lose()
    store.rescue()
    assert store.settle(lease, Completed()).refused
    assert told(store) == []


def test_an_event_holds_the_task_without_its_arguments(store, hook):
    hook()
    task_id = ended(
        store, BROKEN, args=["private"], kwargs={"key": "private"}, description="x" * 900
    )
    (lease,) = store.claim()
    kwargs = json.loads(lease.kwargs)
    event = kwargs["event"]
    assert (kwargs["hook_id"], event["type"]) == (1, "task.failed")
    assert event["data"].keys() >= {"id", "status", "queue", "function", "error", "finished_at"}
    assert (event["data"]["id"], event["data"]["error"]) == (task_id, "broken")
    assert event["timestamp"] == event["data"]["finished_at"] == "2026-01-01T00:00:00.000000Z"
    assert "private" not in lease.kwargs
    assert len(event["data"]["description"]) == 500


def test_a_command_gets_the_event_beside_its_arguments(store, hook):
    hook(url=None, command=["mail-me"])
    task_id = ended(store, Cancelled("enough"))
    (lease,) = store.claim()
    assert (lease.function, json.loads(lease.command)) == (None, ["mail-me"])
    (name,) = (environment := json.loads(lease.extras)["environment"])
    assert name == "JOBRUNNER_EVENT"
    assert json.loads(environment[name])["data"]["id"] == task_id


def test_the_secret_is_read_to_send_and_is_nowhere_else(store, hook):
    shown = hook(secret="whsec_c2VjcmV0")  # noqa: S106
    assert "c2VjcmV0" not in repr(shown)
    assert shown.is_signed
    assert "c2VjcmV0" not in repr(store.read(event_hooks.every))
    ended(store, BROKEN)
    assert "c2VjcmV0" not in str(store.everything())
    assert store.read(event_hooks.target, 1).secret == "whsec_c2VjcmV0"  # noqa: S105
    assert store.read(event_hooks.target, 2) is None


def test_names_are_unique_and_unknown_ones_are_told(store, hook):
    hook()
    with pytest.raises(DuplicateHookError):
        hook()
    for call in (event_hooks.remove, event_hooks.get):
        with pytest.raises(HookNotFoundError):
            store.write(call, "none")
    with pytest.raises(HookNotFoundError):
        store.write(event_hooks.pause, "none", at=None)
    with pytest.raises(HookNotFoundError):
        store.write(telling.test, "none", now=store.now)


def test_very_many_ends_at_once_are_all_told(store, hook):
    hook(on=["cancelled"])
    parent = store.add()
    store.write(_many_dependents, parent, store.now)
    store.finish(parent, BROKEN)
    assert len(told(store)) == 1100


def _many_dependents(transaction, parent, now):
    from jobrunner.core.new_task import NewTask
    from jobrunner.storage.enqueue import enqueue

    enqueue(transaction, [NewTask(function="f", after=[parent]) for _ in range(1100)], now=now)
