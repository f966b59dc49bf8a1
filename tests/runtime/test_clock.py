"""All who share a server go by its clock, whatever their own says."""

from datetime import UTC, datetime, timedelta

import pytest

from jobrunner.core.errors import DatabaseError
from jobrunner.runtime.clock import ASK_EVERY, ASKED_AT_MOST, SharedClock

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


class Asked:
    """A server that tells its time, with a round trip of 20 ms."""

    def __init__(self):
        self.clock = SharedClock(self)
        self.clock.monotonic = lambda: self.seconds
        self.seconds = 100.0
        self.ahead = timedelta()
        self.times = 0
        self.answers = True
        self.waits = []
        """Seconds that answers take longer on their way back, one after the other."""

    def __call__(self):
        self.times += 1
        if not self.answers:
            raise DatabaseError("it does not answer")
        self.seconds += 0.01
        told = NOON + self.ahead + timedelta(seconds=self.seconds)
        self.seconds += 0.01 + (self.waits.pop(0) if self.waits else 0)
        return told


def test_the_servers_time_is_told_and_counted_on():
    server = Asked()
    assert server.clock.now() - NOON == timedelta(seconds=100.02)
    server.seconds += 7
    assert server.clock.now() - NOON == timedelta(seconds=107.02)
    assert server.times == 1


def test_an_answer_that_was_kept_waiting_is_not_believed():
    """By it the parent of a task might end after its start, on the clocks of two processes."""
    server = Asked()
    server.waits = [4]
    assert server.clock.now() - NOON == timedelta(seconds=server.seconds)
    assert server.times == 2


def test_of_answers_that_all_wait_the_quickest_is_believed():
    server = Asked()
    server.waits = [4, 1, 2, 0]
    assert server.clock.now() - NOON == timedelta(seconds=server.seconds - 0.5)
    assert server.times == ASKED_AT_MOST == 3


def test_it_is_asked_again_now_and_then():
    server = Asked()
    server.clock.now()
    server.ahead = timedelta(hours=1)
    server.seconds += ASK_EVERY - 1
    assert server.clock.now() - NOON < timedelta(hours=1)
    server.seconds += 1
    assert server.clock.now() - NOON > timedelta(hours=1)
    assert server.times == 2


def test_a_server_that_does_not_answer_is_needed_only_the_first_time():
    server = Asked()
    server.answers = False
    with pytest.raises(DatabaseError):
        server.clock.now()
    server.answers = True
    server.clock.now()
    server.answers = False
    server.seconds += 2 * ASK_EVERY
    for _ in range(3):
        assert server.clock.now() - NOON == timedelta(seconds=server.seconds)
    assert server.times == 3  # nor is it asked at every call, which would wait for it


def test_without_a_server_it_is_this_machines_time():
    clock = SharedClock(lambda: None)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
