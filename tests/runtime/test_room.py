"""How much a worker claims: its free slots, a little ahead of fast tasks, within queue limits."""

import pytest

from jobrunner.core.outcome import Completed, Ended
from jobrunner.runtime.room import AHEAD_AT_MOST, AHEAD_SECONDS, HEAD_EVERY, Room
from jobrunner.runtime.settler import Want
from tests.runtime.test_attempt import LEASE


def run(room, ran, *, times=300):
    """Let so many tasks go through that the measure has settled."""
    for _ in range(times):
        room.take([LEASE])
        give(room, LEASE, ran)


def give(room, lease, ran):
    room.give(Ended(lease, Completed(), None if ran is None else 0, int((ran or 0) * 1e6)))


def take(room, count, queue="default"):
    for _ in range(count):
        room.take([LEASE._replace(queue=queue)])


def test_before_anything_is_measured_only_free_slots_are_claimed():
    assert Room(4, {}).wants(0.0) == [Want((), 4, 0)]


def test_a_full_worker_claims_nothing():
    room = Room(2, {})
    take(room, 2)
    assert room.wants(0.0) == []


def test_slow_tasks_are_never_claimed_ahead():
    room = Room(2, {})
    run(room, AHEAD_SECONDS)
    run(room, 1.0)
    assert room.wants(0.0) == [Want((), 2, 0)]


def test_fast_tasks_are_claimed_ahead_for_the_next_50_ms():
    room = Room(2, {})
    run(room, 0.001)
    ((_, free, ahead),) = room.wants(0.0)
    assert free == 2
    assert ahead == pytest.approx(2 * AHEAD_SECONDS / 0.001, rel=0.01)


def test_there_is_an_upper_bound_to_what_is_claimed_ahead():
    room = Room(8, {})
    run(room, 0.000_001)
    assert room.wants(0.0)[0].ahead == AHEAD_AT_MOST


def test_where_tasks_run_while_others_are_claimed_two_claims_are_in_hand():
    room = Room(8, {}, overlaps=True)
    run(room, 0.000_001)
    assert room.wants(0.0) == [Want((), 8, AHEAD_AT_MOST)]
    take(room, 8 + AHEAD_AT_MOST)
    assert room.wants(0.0) == [Want((), 0, AHEAD_AT_MOST)]
    take(room, AHEAD_AT_MOST)
    assert room.wants(0.0) == []


def test_one_slow_task_among_fast_ones_lowers_what_is_claimed_ahead():
    room = Room(2, {})
    run(room, 0.001)
    before = room.wants(0.0)[0].ahead
    room.take([LEASE])
    give(room, LEASE, 2.0)
    assert room.wants(0.0)[0].ahead < before / 10


def test_after_something_was_given_back_nothing_is_claimed_ahead_until_tasks_are_fast_again():
    room = Room(2, {})
    run(room, 0.001)
    room.take([LEASE])
    give(room, LEASE, None)
    assert room.wants(0.0) == [Want((), 2, 0)]
    run(room, 0.001)
    assert room.wants(0.0)[0].ahead > 0


def test_a_store_that_is_more_than_half_full_is_not_filled_up():
    room = Room(2, {})
    run(room, 0.001)
    take(room, 2 + 80)
    assert room.wants(0.0) == []


def test_now_and_then_a_claim_waits_for_free_slots():
    """Claims ahead pass over tasks that have crashed: those need their turn."""
    room = Room(2, {})
    run(room, 0.001)
    room.wants(0.0)
    take(room, 2)
    assert room.wants(HEAD_EVERY / 2)[0].ahead > 0
    assert room.wants(HEAD_EVERY * 2) == []


def test_a_last_few_tasks_are_never_exceeded():
    room = Room(4, {})
    run(room, 0.001)
    assert room.wants(0.0, at_most=3) == [Want((), 3, 0)]
    assert room.wants(0.0, at_most=0) == []


def test_a_queue_is_served_up_to_its_limit():
    room = Room(4, {"big": None, "small": 1})
    assert room.wants(0.0) == [Want(("small",), 1), Want(("big",), 3)]
    take(room, 1, "small")
    assert room.wants(0.0) == [Want(("big",), 3)]
    take(room, 3, "big")
    give(room, LEASE._replace(queue="small"), 1.0)
    assert room.wants(0.0) == [Want(("small",), 1)]


def test_limits_together_never_exceed_the_slots():
    room = Room(3, {"a": 2, "b": 2, "c": 2})
    assert room.wants(0.0) == [Want(("a",), 2), Want(("b",), 1)]


def test_queues_without_limits_share_one_claim():
    room = Room(2, {"a": None, "b": None})
    assert room.wants(0.0) == [Want(("a", "b"), 2, 0)]
