"""One attempt: its end is reported once, and it is brought to its end step by step."""

import threading

import pytest

from jobrunner.core.outcome import Cancelled, Completed, Released, TimedOut
from jobrunner.core.signals import StopReason
from jobrunner.core.task import Lease
from jobrunner.runtime.attempt import Attempt, steps_for
from tests.runtime.support import FakeClock

LEASE = Lease(
    task_id=1,
    token=7,
    attempt=1,
    max_attempts=5,
    crashes=0,
    queue="default",
    priority=0,
    function="work",
    command=None,
    cwd=None,
    args=None,
    kwargs=None,
    timeout=3.0,
    ready_at=0,
)


class Control:
    """Writes down what is done to the code."""

    def __init__(self):
        self.done = []

    def notice(self, reason):
        self.done.append(f"notice {reason}")

    def terminate(self):
        self.done.append("terminate")

    def kill(self):
        self.done.append("kill")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def ends():
    return []


@pytest.fixture
def attempt(clock, ends):
    return Attempt(LEASE, clock=clock, on_end=lambda _, ended: ends.append(ended))


@pytest.fixture
def control(attempt):
    """The control of an attempt that has begun."""
    control = Control()
    assert attempt.begin(control)
    return control


def stop(attempt, clock, reason):
    steps = steps_for(reason, kill_grace=5, shutdown_grace=15)
    attempt.stop(reason, steps, clock.monotonic())


def test_an_end_is_reported_once(attempt, control, clock, ends):
    clock.later(2)
    assert attempt.end(Completed("1"))
    assert not attempt.end(Completed("2"))
    assert [ended.outcome for ended in ends] == [Completed("1")]
    assert ends[0].ended_at - ends[0].started_at == 2_000_000


def test_of_many_threads_that_end_it_one_is_heard(clock):
    for _ in range(50):
        ends = []
        attempt = Attempt(LEASE, clock=clock, on_end=lambda _, ended, to=ends: to.append(ended))
        attempt.begin(Control())
        barrier = threading.Barrier(4)

        def end(number, attempt=attempt, barrier=barrier):
            barrier.wait()
            attempt.end(Completed(str(number)))

        threads = [threading.Thread(target=end, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(ends) == 1


def test_a_stop_before_the_start_gives_it_back_and_leaves_no_start(attempt, clock, ends):
    stop(attempt, clock, StopReason.SHUTDOWN)
    assert [(ended.outcome, ended.started_at) for ended in ends] == [(Released(), None)]
    assert not attempt.begin(Control())
    assert not attempt.end(Completed())


@pytest.mark.parametrize(
    ("reason", "steps"),
    [
        (StopReason.TIMEOUT, [(0, "terminate"), (5, "kill"), (10, None)]),
        (StopReason.CANCEL, [(0, "terminate"), (5, "kill"), (10, None)]),
        (
            StopReason.SHUTDOWN,
            [(0, "notice shutdown"), (15, "terminate"), (17, "kill"), (17.5, None)],
        ),
        (StopReason.NOW, [(0, "kill"), (0.5, None)]),
        (StopReason.LOST, [(0, "kill"), (0.5, None)]),
    ],
)
def test_a_stop_grows_less_gentle_step_by_step(attempt, control, clock, ends, reason, steps):
    began = clock.monotonic()
    stop(attempt, clock, reason)
    for number, (after, action) in enumerate(steps):
        if number:
            assert attempt.next_step() == began + after
            clock.seconds = began + after - 0.01
            attempt.advance(clock.monotonic())
            assert control.done == [done for _, done in steps[:number]]
            clock.seconds = began + after
            attempt.advance(clock.monotonic())
        if action:
            assert control.done == [done for _, done in steps[: number + 1]]
            assert ends == []
    assert len(ends) == 1
    assert attempt.abandoned
    assert not attempt.end(Completed("late"))


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (StopReason.TIMEOUT, TimedOut("ran longer than 3 s")),
        (StopReason.CANCEL, Cancelled("cancelled on request")),
        (StopReason.SHUTDOWN, Released()),
        (StopReason.NOW, Released()),
        (StopReason.LOST, Released()),
    ],
)
def test_what_was_stopped_ends_as_its_reason_says(attempt, control, clock, ends, reason, outcome):
    stop(attempt, clock, reason)
    attempt.advance(clock.monotonic() + 100)
    assert [ended.outcome for ended in ends] == [outcome]


@pytest.mark.parametrize(
    ("first", "second", "replaced"),
    [
        (StopReason.SHUTDOWN, StopReason.TIMEOUT, True),
        (StopReason.SHUTDOWN, StopReason.CANCEL, True),
        (StopReason.SHUTDOWN, StopReason.NOW, True),
        (StopReason.NOW, StopReason.LOST, True),
        (StopReason.CANCEL, StopReason.TIMEOUT, False),
        (StopReason.TIMEOUT, StopReason.CANCEL, False),
        (StopReason.NOW, StopReason.SHUTDOWN, False),
        (StopReason.LOST, StopReason.NOW, False),
        (StopReason.SHUTDOWN, StopReason.SHUTDOWN, False),
    ],
)
def test_only_a_stronger_reason_replaces_another(attempt, control, clock, first, second, replaced):
    stop(attempt, clock, first)
    stop(attempt, clock, second)
    assert attempt.stop_reason is (second if replaced else first)


def test_the_same_stop_asked_again_does_not_begin_anew(attempt, control, clock):
    began = clock.monotonic()
    for _ in range(4):
        stop(attempt, clock, StopReason.CANCEL)
        clock.later(2)
        attempt.advance(clock.monotonic())
    assert attempt.next_step() == began + 10
    assert control.done == ["terminate", "kill"]


def test_code_that_was_only_told_of_a_stop_was_not_forced(attempt, control, clock):
    stop(attempt, clock, StopReason.SHUTDOWN)
    assert not attempt.forced
    clock.later(15)
    attempt.advance(clock.monotonic())
    assert attempt.forced


def test_what_has_ended_is_not_touched_any_more(attempt, control, clock):
    stop(attempt, clock, StopReason.SHUTDOWN)
    attempt.end(Completed())
    attempt.advance(clock.monotonic() + 100)
    stop(attempt, clock, StopReason.NOW)
    assert control.done == ["notice shutdown"]


def test_the_deadline_counts_from_the_start_not_from_the_claim(attempt, clock):
    clock.later(100)
    attempt.begin(Control())
    assert attempt.deadline == clock.monotonic() + 3
    assert attempt.next_step() == attempt.deadline
