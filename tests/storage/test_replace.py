"""A later task of a key in the place of the one that waits: debounce."""

from datetime import timedelta

import pytest

from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed, Snoozed
from jobrunner.core.unique import LIVE, WAITING, Unique
from jobrunner.storage import progress
from jobrunner.storage.enqueue import enqueue

MINUTE = timedelta(minutes=1)
LONG = ["x" * 1000]


def newest(*args, in_=LIVE, max_wait=None, **fields):
    rule = Unique(key="k", on_conflict="replace", in_=in_, max_wait=max_wait)
    work = {} if "command" in fields else {"function": "work", "args": args}
    return NewTask(unique=rule, **work, **fields)


def test_it_gets_the_new_work_and_keeps_its_place(store):
    (first,) = store.enqueue(newest("old", description="old", priority=1))
    (after,) = store.enqueue(NewTask(function="work", after=[first]))
    created_at = store.get(first).created_at
    store.later(10)
    given = {
        "queue": "q",
        "priority": 7,
        "description": "new",
        "max_attempts": 3,
        "timeout": MINUTE,
        "expires_in": MINUTE,
        "concurrency_key": "tenant",
        "cwd": "/",
    }
    assert store.enqueue(newest(command=["ls"], **given)) == [first]
    task = store.get(first)
    expected = given | {"command": ("ls",), "function": None, "args": (), "created_at": created_at}
    expected |= {"expires_at": store.now + MINUTE, "run_at": store.now, "unique_key": "k"}
    del expected["expires_in"]
    assert {name: getattr(task, name) for name in expected} == expected
    assert store.get(after).after == (first,)


@pytest.mark.parametrize("before", [["a"], LONG, []])
@pytest.mark.parametrize("then", [["b"], LONG, []])
def test_long_arguments_go_and_come(store, before, then):
    (first,) = store.enqueue(newest(*before))
    store.enqueue(newest(*then))
    assert store.get(first).args == tuple(then)
    lease = store.claim_one()
    assert (lease.args or "[]") == str(then).replace("'", '"')
    assert len(store.sql("SELECT task_id FROM payloads")) == (then is LONG)


def test_each_call_puts_it_off(store):
    (first,) = store.enqueue(newest(1, delay=MINUTE))
    store.later(50)
    store.enqueue(newest(2, delay=MINUTE))
    task = store.get(first)
    assert (task.status, task.run_at) == ("scheduled", store.now + MINUTE)


def test_one_whose_time_had_come_can_be_put_off_too(store):
    (first,) = store.enqueue(newest(1))
    store.enqueue(newest(2, delay=MINUTE))
    assert store.statuses(first) == ["scheduled"]
    store.enqueue(newest(3))
    assert store.statuses(first) == ["pending"]


def test_it_waits_at_most_so_long(store):
    def later():
        return newest(delay=MINUTE, max_wait=2 * MINUTE)

    begun = store.now
    (first,) = store.enqueue(later())
    for seconds, until in ((50, 110), (50, 120), (19, 120)):
        store.later(seconds)
        store.enqueue(later())
        assert store.get(first).run_at == begun + timedelta(seconds=until)
    store.later(1)
    store.enqueue(later())
    assert store.statuses(first) == ["pending"]


def test_the_first_itself_waits_no_longer(store):
    (first,) = store.enqueue(newest(delay=2 * MINUTE, max_wait=MINUTE))
    assert store.get(first).run_at == store.now + MINUTE


def test_one_that_runs_is_left_alone(store):
    (first,) = store.enqueue(newest("old"))
    lease = store.claim_one()
    before = store.everything()
    (row,) = store.write(enqueue, [newest("new")], now=store.now)
    assert (row["id"], row["is_duplicate"]) == (first, True)
    assert store.everything() == before
    store.settle(lease, Completed("1"))


def test_one_that_has_ended_is_left_alone(store):
    (first,) = store.enqueue(newest("old", in_=frozenset({*LIVE, "completed"})))
    store.settle(store.claim_one(), Completed("1"))
    before = store.everything()
    assert store.enqueue(newest("new")) == [first]
    assert store.everything() == before


def test_beside_one_that_runs_the_next_can_wait_and_be_put_off(store):
    (first,) = store.enqueue(newest(1, in_=WAITING))
    store.claim_one()
    (second,) = store.enqueue(newest(2, in_=WAITING))
    assert store.enqueue(newest(3, in_=WAITING)) == [second] != [first]
    assert store.get(second).args == (3,)


def test_one_that_is_blocked_stays_so(store):
    parent = store.add()
    rule = Unique(key="k")
    (first,) = store.enqueue(NewTask(function="work", after=[parent], unique=rule))
    store.enqueue(newest("new"))
    task = store.get(first)
    assert (task.status, task.args, task.after) == ("blocked", ("new",), (parent,))
    store.finish(parent, Completed("1"))
    assert store.statuses(first) == ["pending"]


def test_nothing_of_the_work_before_is_left(store):
    """Neither its attempts, nor its error, nor where it would go on."""
    (first,) = store.enqueue(newest("old", max_attempts=2))
    lease = store.claim_one()
    store.write(progress.save, first, lease.token, now=store.now, done=1, checkpoint="5")
    store.settle(lease, Failed("broken"))
    store.enqueue(newest("new", max_attempts=2))
    task = store.get(first)
    assert (task.error, task.progress, task.status) == (None, None, "pending")
    for _ in range(2):
        assert store.get(first).status == "pending"
        store.settle(store.claim_one(), Failed("broken"))
        store.later(60)
        store.sql("UPDATE tasks SET status = 'pending' WHERE status = 'scheduled'")
    assert store.statuses(first) == ["failed"]
    assert store.history(first) == ["failed"] * 3


def test_crashes_at_the_work_before_do_not_count(store):
    (first,) = store.enqueue(newest("old"))
    store.claim_one()
    store.lose()
    store.rescue()
    store.enqueue(newest("new"))
    assert store.get(first).crashes == 0


def test_one_that_snoozes_is_replaced(store):
    (first,) = store.enqueue(newest("old"))
    store.settle(store.claim_one(), Snoozed(MINUTE))
    store.enqueue(newest("new"))
    assert store.get(first).args == ("new",)


def test_the_last_of_a_call_wins_in_the_place_of_the_first(store):
    rows = store.write(enqueue, [newest(1), newest(2), newest(3)], now=store.now)
    assert len({row["id"] for row in rows}) == 1
    assert [row["is_duplicate"] for row in rows] == [False, True, True]
    assert store.get(rows[0]["id"]).args == (3,)
    store.enqueue(newest(4), newest(*LONG))
    assert store.get(rows[0]["id"]).args == tuple(LONG)


def test_many_are_replaced_at_once(store):
    def calls(word):
        rules = [Unique(key=str(number), on_conflict="replace") for number in range(1200)]
        return [NewTask(function="work", args=[word], unique=rule) for rule in rules]

    ids = store.enqueue(*calls("old"))
    assert store.enqueue(*calls("new")) == ids
    assert {row.args for row in store.sql("SELECT args FROM tasks")} == {'["new"]'}
