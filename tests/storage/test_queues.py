"""What is set for queues and keys: it is kept, changed in part, and told with the counts."""

from datetime import timedelta

import pytest

from jobrunner.core.limits import UNRULED_KEY, Limits, Rate
from jobrunner.core.status import Status
from jobrunner.storage import agenda, keys, queues, rates
from tests.storage.limiting import Limiting


@pytest.fixture
def limits(store):
    return Limiting(store)


def test_what_is_not_said_of_a_limit_stays_as_it_is(limits):
    assert limits.limit_queue("a", concurrency=3) == Limits(3)
    rate = Rate(10, timedelta(minutes=1))
    assert limits.limit_queue("a", rate=(10, 60)) == Limits(3, rate)
    assert limits.limit_queue("a", concurrency=None) == Limits(None, rate)
    assert limits.limit_queue("a", rate=None) == Limits()


def test_a_key_begins_with_what_has_held_for_it(limits):
    rate = Rate(5, timedelta(seconds=1))
    assert limits.limit_key("a", rate=(5, 1)) == Limits(1, rate)
    assert limits.limit_key("a:b", concurrency=4) == Limits(4, rate)
    held = limits.store.read(keys.limits_of, ["a", "a:c", "a:b:c", "b", ":"])
    assert held == {
        "a": Limits(1, rate),
        "a:c": Limits(1, rate),
        "a:b:c": Limits(4, rate),
        "b": UNRULED_KEY,
        ":": UNRULED_KEY,
    }


def test_queues_are_listed_with_their_tasks(limits):
    limits.add(queue="b")
    limits.add(queue="b", concurrency_key="k")
    limits.pause("a")
    limits.claim()
    first, second = limits.store.read(queues.every)
    assert (first.name, first.paused_at, sum(first.tasks.values())) == ("a", limits.store.now, 0)
    assert (second.name, second.paused_at, second.limits) == ("b", None, Limits())
    assert second.tasks[Status.PENDING] == second.tasks[Status.IN_PROGRESS] == 1


def test_keys_are_listed_with_what_runs_and_waits(limits):
    for needs in ({}, {"gpu": 1}, {"gpu": 2}):
        limits.add(concurrency_key="b", needs=needs)
    limits.limit_key("a", concurrency=7)
    limits.claim()
    first, second = limits.store.read(keys.every)
    assert (first.name, first.limits.concurrency, first.is_rule) == ("a", 7, True)
    assert (second.name, second.limits, second.is_rule) == ("b", UNRULED_KEY, False)
    assert (second.running, second.waiting) == (1, 2)


def test_a_claim_has_limits_to_regard_only_while_there_are_any(limits):
    def regards():
        return limits.store.read(agenda.look).limits

    assert not regards()
    limits.pause("a")
    assert regards()
    limits.resume("a")
    assert not regards()
    limits.limit_queue("a", concurrency=1)
    assert regards()
    limits.limit_queue("a", concurrency=None)
    assert not regards()
    limits.add(concurrency_key="k")
    assert regards()
    limits.claim()
    assert not regards()


def test_starts_outside_of_any_window_are_forgotten(limits):
    limits.limit_queue("default", rate=(5, 60))
    limits.add()
    limits.claim()
    assert limits.store.write(rates.forget, now=limits.store.now) == 0
    limits.store.later(60)
    assert limits.store.write(rates.forget, now=limits.store.now) == 1
