"""What a worker has claimed and not started goes back at once when it is paused or made smaller."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from jobrunner.core.crew import Orders
from jobrunner.core.outcome import Released
from jobrunner.runtime.in_hand import InHand
from jobrunner.runtime.options import WorkerOptions
from jobrunner.runtime.room import Room
from jobrunner.runtime.steering import Steering
from jobrunner.runtime.stopping import Stopping
from tests.runtime.support import Events, FakeClock
from tests.runtime.test_attempt import LEASE

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Idle:
    """Executors whose slots are all taken by others: nothing starts."""

    def submit(self, attempt):
        """Let it wait."""

    def resize(self, slots):
        """Still nothing starts."""


@pytest.mark.parametrize("orders", [Orders(NOW, None, None), Orders(None, 1, None)])
def test_what_has_not_started_is_given_back_by_a_pause_and_before_slots_go(orders):
    in_hand = InHand(Idle(), WorkerOptions.of(concurrency=2), FakeClock(), lambda: None)
    in_hand.start([LEASE._replace(task_id=number) for number in range(3)])
    member = SimpleNamespace(id="ada", resized=lambda slots: None)
    room = Room(2, {})
    steering = Steering(
        room, in_hand, Idle(), Stopping(), slots=2, emit=Events(), wake=lambda: None
    )
    steering.hear(orders)
    steering.follow(member, 0.0)
    ended = [end for _, end in in_hand.collect(all_of_it=True)]
    assert [end.outcome for end in ended] == [Released()] * 3
    assert {end.started_at for end in ended} == {None}
