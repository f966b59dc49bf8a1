"""What waits can be changed in every way, checked as a new task is; nothing is half-written."""

from datetime import timedelta

import pytest

from jobrunner.core import payload
from jobrunner.core.errors import InvalidTaskError, TaskNotFoundError, TaskStateError
from jobrunner.core.outcome import Completed, Failed
from jobrunner.storage import payloads
from jobrunner.storage.change import change
from jobrunner.storage.expiry import expire
from jobrunner.storage.settle import Settlement

LONG = "x" * payloads.SHORT
HOUR = timedelta(hours=1)


@pytest.fixture
def edit(store):
    def apply(task_id, **changes):
        store.write(change, task_id, changes, now=store.now)
        return store.get(task_id)

    return apply


def apart(store):
    return [tuple(row) for row in store.sql("SELECT args, kwargs, extras FROM payloads")]


def test_what_stands_in_the_row_is_set(store, edit):
    task_id = store.add()
    task = edit(task_id, priority=3, queue="b", description="d", max_attempts=9, timeout=HOUR)
    assert (task.priority, task.queue, task.description) == (3, "b", "d")
    assert (task.max_attempts, task.timeout) == (9, HOUR)
    assert edit(task_id, timeout=None).timeout is None


@pytest.mark.parametrize("before", [(1,), (LONG,), ()])
@pytest.mark.parametrize("after", [(2, 3), (LONG + "y",), ()])
def test_arguments_lie_where_their_length_says(store, edit, before, after):
    task_id = store.add(args=before, kwargs={"to": 1})
    task = edit(task_id, args=after)
    assert (task.args, task.kwargs) == (after, {"to": 1})
    assert len(apart(store)) == (len(payload.encode(list(after), what="args")) > payloads.SHORT)
    lease = store.claim_one()
    assert tuple(payload.decode(lease.args) or ()) == after
    assert payload.decode(lease.kwargs) == {"to": 1}


def test_one_long_argument_stays_apart_while_the_other_comes_home(store, edit):
    task_id = store.add(args=(LONG,), kwargs={"text": LONG})
    task = edit(task_id, kwargs={"text": "short"})
    assert (task.args, task.kwargs) == ((LONG,), {"text": "short"})
    assert apart(store) == [(payload.encode([LONG], what="args"), None, None)]


def test_extras_stay_with_their_task(store, edit):
    task_id = store.add(args=(LONG,))
    store.sql("UPDATE payloads SET extras = '{}'")
    assert edit(task_id, args=(1,)).args == (1,)
    assert apart(store) == [("[1]", None, "{}")]
    lease = store.claim_one()
    assert (lease.args, lease.extras) == ("[1]", "{}")


def test_a_command_is_replaced(store, edit):
    task_id = store.add(command=["ls", "-l"])
    assert edit(task_id, command=["ls"]).command == ("ls",)


def test_its_time_moves_it_between_scheduled_and_pending(store, edit):
    task_id = store.add()
    task = edit(task_id, delay=HOUR)
    assert (task.status, task.run_at) == ("scheduled", store.now + HOUR)
    assert store.claim() == []
    task = edit(task_id, run_at=store.now + 2 * HOUR, delay=HOUR)
    assert task.run_at == store.now + 2 * HOUR
    store.later(60)
    task = edit(task_id, delay=timedelta())
    assert (task.status, task.run_at) == ("pending", store.now)
    store.later(60)
    since = task.run_at
    assert edit(task_id, run_at=store.now - HOUR).run_at == since  # it could run all the while
    assert len(store.claim()) == 1


def test_a_blocked_task_stays_blocked_and_keeps_the_new_time(store, edit):
    parent = store.add()
    task_id = store.add(after=[parent])
    task = edit(task_id, delay=HOUR)
    assert (task.status, task.run_at) == ("blocked", store.now + HOUR)
    store.finish(parent, Completed())
    assert store.statuses(task_id) == ["scheduled"]


def test_an_expiry_is_set_moved_and_taken_away(store, edit):
    task_id = store.add()
    assert edit(task_id, expires_in=HOUR).expires_at == store.now + HOUR
    assert edit(task_id, expires_at=store.now + 2 * HOUR).expires_at == store.now + 2 * HOUR
    assert edit(task_id, expires_at=None).expires_at is None
    store.later(3 * 3600)
    store.write(expire, Settlement([], [], []), now=store.now)
    assert store.statuses(task_id) == ["pending"]


def test_a_task_that_waits_for_its_retry_can_be_changed(store, edit):
    task_id = store.add()
    store.settle(store.claim_one(), Failed("broken"))
    assert edit(task_id, delay=timedelta(), args=(1,)).status == "pending"
    assert store.claim_one().attempt == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"priority": "high"},
        {"priority": 2**31},
        {"queue": ""},
        {"queue": "x" * 501},
        {"description": "a\0"},
        {"max_attempts": 0},
        {"timeout": timedelta()},
        {"delay": -HOUR},
        {"run_at": "tomorrow"},
        {"expires_in": timedelta()},
        {"args": "text"},
        {"args": [object()]},
        {"args": ["x" * (1024 * 1024)]},
        {"kwargs": {1: 2}},
        {"kwargs": {"a": float("nan")}},
        {"command": ["ls"]},
        {"delay": HOUR, "expires_in": HOUR},
    ],
)
def test_a_wrong_value_changes_nothing(store, edit, changes):
    task_id = store.add(args=(LONG,), kwargs={"a": 1})
    before = (store.everything(), apart(store))
    with pytest.raises(InvalidTaskError):
        edit(task_id, **({"priority": 1, "args": [2]} | changes))
    assert (store.everything(), apart(store)) == before


def test_a_command_takes_no_arguments(store, edit):
    with pytest.raises(InvalidTaskError, match="a command has its own"):
        edit(store.add(command=["ls"]), kwargs={"a": 1})


@pytest.mark.parametrize("changes", [{"delay": 3 * HOUR}, {"run_at": None, "delay": HOUR}])
def test_it_may_not_be_put_off_beyond_its_stored_expiry(store, edit, changes):
    task_id = store.add(expires_in=HOUR)
    with pytest.raises(InvalidTaskError, match="before it may start"):
        edit(task_id, **changes)


def test_what_runs_or_has_ended_stays_as_it_is(store, edit):
    task_id = store.add()
    lease = store.claim_one()
    for _ in range(2):
        before = store.everything()
        with pytest.raises(TaskStateError, match="only waiting tasks can be changed"):
            edit(task_id, args=(1,), delay=HOUR)
        assert store.everything() == before
        store.settle(lease, Completed())
    with pytest.raises(TaskNotFoundError):
        edit(99, args=(1,))
