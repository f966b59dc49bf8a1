"""When `--until-empty` ends: paused queues, and what this worker cannot do, are not waited for."""

import pytest

from jobrunner.core.outcome import Completed
from jobrunner.storage.left import nothing_left
from tests.storage.limiting import Limiting


@pytest.fixture
def limits(store):
    return Limiting(store)


def is_over(limits, *queues, offers=None):
    return limits.store.read(nothing_left, queues, offers or {})


def test_nothing_is_left_where_there_is_no_task(limits):
    assert is_over(limits)
    limits.add()
    assert not is_over(limits)
    assert is_over(limits, "other")


@pytest.mark.parametrize("fields", [{}, {"concurrency_key": "a"}, {"delay": 60}])
def test_what_waits_in_a_paused_queue_is_not_waited_for(limits, fields):
    if "delay" in fields:
        fields = {"run_at": limits.store.now.replace(year=2030)}
    task = limits.add(queue="shut", **fields)
    limits.add(queue="shut", after=[task])
    assert not is_over(limits)
    limits.pause("shut")
    assert is_over(limits)
    assert is_over(limits, "shut")
    limits.add(queue="open", **fields)
    assert not is_over(limits)
    assert not is_over(limits, "open", "shut")
    assert is_over(limits, "shut")


def test_what_runs_of_a_paused_queue_is_waited_for(limits):
    limits.add(queue="shut")
    (lease,) = limits.claim()
    limits.pause("shut")
    assert not is_over(limits)
    limits.store.settle(lease, Completed("1"))
    assert is_over(limits)


def test_what_needs_more_than_the_worker_has_is_not_waited_for(limits):
    limits.add(needs={"gpu": 2})
    assert is_over(limits)
    assert is_over(limits, offers={"gpu": 1})
    assert not is_over(limits, offers={"gpu": 2})
    limits.add(needs={"gpu": 1}, concurrency_key="a")
    assert not is_over(limits, offers={"gpu": 1})


def test_a_full_key_is_waited_for(limits):
    limits.add(concurrency_key="a")
    limits.add(concurrency_key="a")
    limits.claim()
    assert not is_over(limits)
