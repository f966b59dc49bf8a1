"""Ends gather for one transaction only while no slot waits for more, and not for long."""

import pytest

from jobrunner.core.outcome import Completed
from jobrunner.core.task import TaskId
from jobrunner.runtime.in_hand import ENOUGH, GATHER, HELD_AT_MOST, MANY, InHand
from jobrunner.runtime.options import WorkerOptions
from tests.runtime.support import FakeClock
from tests.runtime.test_attempt import LEASE, Control

SLOTS = 2


class Held:
    """Executors that begin attempts and end them when they are told to."""

    def __init__(self):
        self.attempts = {}

    def submit(self, attempt):
        attempt.begin(Control())
        self.attempts[attempt.lease.task_id] = attempt

    def end(self, *ids):
        for task_id in ids:
            self.attempts[task_id].end(Completed(None))


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def held():
    return Held()


@pytest.fixture
def wakes():
    return []


@pytest.fixture
def in_hand(held, clock, wakes):
    """Eight attempts at two slots, of which the first has ended and was collected."""
    options = WorkerOptions.of(concurrency=SLOTS)
    in_hand = InHand(held, options, clock, lambda: wakes.append(1))
    in_hand.start([LEASE._replace(task_id=TaskId(number), timeout=None) for number in range(8)])
    held.end(0)
    assert collected(in_hand) == [0]
    wakes.clear()
    return in_hand


def collected(in_hand, **how):
    return [attempt.lease.task_id for attempt, _ in in_hand.collect(**how)]


def test_ends_gather_for_a_moment_and_wake_once(in_hand, held, clock, wakes):
    held.end(1)
    assert (len(wakes), collected(in_hand)) == (1, [])
    assert in_hand.next_step() == pytest.approx(clock.monotonic() + GATHER)
    held.end(2, 3)
    assert (len(wakes), collected(in_hand)) == (1, [])
    clock.later(GATHER)
    assert collected(in_hand) == [1, 2, 3]
    assert len(in_hand) == 4


def test_an_end_that_comes_after_a_while_is_collected_at_once(in_hand, held, clock, wakes):
    clock.later(GATHER)
    held.end(1)
    assert (len(wakes), collected(in_hand)) == (1, [1])


def test_no_end_waits_when_a_slot_may_be_free(in_hand, held, wakes):
    held.end(1)
    assert collected(in_hand) == []
    held.end(2, 3, 4)
    assert len(wakes) == 1  # three are left for two slots
    held.end(5)
    assert (len(wakes), collected(in_hand)) == (2, [1, 2, 3, 4, 5])


def test_what_has_ended_is_told_whole_where_that_is_asked(in_hand, held, clock):
    held.end(1)
    assert collected(in_hand, all_of_it=True) == [1]
    held.end(2)
    assert collected(in_hand) == []
    clock.later(GATHER)
    assert collected(in_hand) == [2]


def leases(numbers):
    return [LEASE._replace(task_id=TaskId(number), timeout=None) for number in numbers]


def started(held, clock, *, ended=ENOUGH, claimed=MANY, overlaps=True):
    """So many were claimed after so many others had ended."""
    options = WorkerOptions.of(concurrency=SLOTS)
    in_hand = InHand(held, options, clock, lambda: None, overlaps=overlaps)
    in_hand.start(leases(range(ended)))
    held.end(*range(ended))
    held.attempts.clear()
    in_hand.start(leases(range(1_000, 1_000 + claimed)))
    return in_hand


def test_many_wait_for_the_transaction_that_settles_others(held, clock):
    in_hand = started(held, clock)
    assert (len(held.attempts), len(in_hand)) == (0, ENOUGH + MANY)
    in_hand.collect()
    in_hand.hand_out()
    assert list(held.attempts) == [lease.task_id for lease in in_hand.leases]
    in_hand.hand_out()
    held.end(*held.attempts)
    assert len(collected(in_hand)) == MANY


@pytest.mark.parametrize("how", [{"ended": ENOUGH - 1}, {"claimed": MANY - 1}, {"overlaps": False}])
def test_nothing_waits_that_may_be_slow_or_for_a_transaction_that_may_not_come(held, clock, how):
    in_hand = started(held, clock, **how)
    assert len(held.attempts) == how.get("claimed", MANY)
    assert len(in_hand) == len(held.attempts) + how.get("ended", ENOUGH)


def test_what_was_given_back_while_it_waited_is_not_handed_out(held, clock):
    in_hand = started(held, clock)
    in_hand.collect()
    clock.later(HELD_AT_MOST)
    in_hand.advance(clock.monotonic())
    in_hand.hand_out()
    assert len(held.attempts) == SLOTS
    assert len(collected(in_hand)) == MANY - SLOTS
