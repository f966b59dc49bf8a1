"""What has ended, runs, or cannot start at all is explained too."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from jobrunner.core.outcome import Failed
from jobrunner.storage import closed, expiry
from jobrunner.storage.moves import DRAINING, Move
from jobrunner.storage.settle import Settlement
from tests.storage.explaining import tell


@pytest.fixture
def told(store):
    return partial(tell, store)


def kinds(found):
    return [one.kind for one in found.reasons]


def ids(reason):
    return [node.id for node in reason.tasks]


def test_the_task_that_began_it_all_is_found_below_many(store, told):
    first = store.add(max_attempts=1)
    last = first
    for _ in range(20):
        last = store.add(after=[last])
    store.settle(store.claim_one(), Failed("no"))
    ended, cause = told(last).reasons
    assert ended.text.startswith("It was cancelled at 2026-01-01 00:00:00 UTC: task ")
    assert (cause.kind, ids(cause)) == ("cause", [first])
    assert cause.text == f"All began with task {first}, which failed."


def test_one_that_a_person_cancelled_has_no_other_cause(store, told):
    parent, other = store.add(), store.add()
    child = store.add(after=[parent, other])
    store.cancel(child)
    store.cancel(parent)
    assert kinds(told(child)) == ["ended"]


def test_another_that_has_its_unique_key_keeps_it_from_a_retry(store, told):
    ended = store.add(unique="k", max_attempts=1)
    store.settle(store.claim_one(), Failed("no"))
    holder = store.add(unique="k")
    _, rival = told(ended).reasons
    assert (rival.kind, ids(rival)) == ("unique", [holder])
    store.cancel(holder)
    assert kinds(told(ended)) == ["ended"]


def test_what_has_expired_is_told_until_the_sweep_ends_it(store, told):
    task = store.add(expires_in=timedelta(seconds=5))
    store.later(5)
    assert kinds(told(task)) == ["expired"]
    store.write(expiry.expire, Settlement([], [], []), now=store.now)
    assert told(task).reasons[0].text.endswith("expired: not started by 2026-01-01T00:00:05.000Z.")


def test_what_runs_is_told_and_where_its_worker_has_ended_that_too(store, told):
    task = store.add()
    store.claim_one()
    assert kinds(told(task)) == ["running"]
    store.cancel(task)
    assert kinds(told(task)) == ["running", "stopping"]
    store.lose()
    assert kinds(told(task)) == ["running", "stopping", "lost"]
    store.rescue()


def test_a_database_that_is_about_to_move_starts_nothing(store, told):
    store.now = datetime.now(UTC)  # by which the trigger goes that keeps claims out
    task = store.add()
    move = Move("m", "elsewhere", DRAINING)
    store.write(closed.drain, move, until=store.now + timedelta(hours=1))
    assert kinds(told(task)) == ["move"]
    assert store.claim() == []
    store.write(closed.reopen)
    assert told(task).is_runnable
    assert len(store.claim()) == 1
