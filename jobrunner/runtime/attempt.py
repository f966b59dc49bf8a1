"""One attempt, from lease to outcome: it runs, is asked to stop, is made to stop, has ended."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from jobrunner.core.outcome import Ended, Outcome, Output, Released, Usage
from jobrunner.core.signals import StopReason
from jobrunner.core.task import Lease
from jobrunner.core.written import Stream
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.instant import Instant
from jobrunner.runtime.kept import Writing
from jobrunner.runtime.perform import stopped
from jobrunner.runtime.registry import Function

if TYPE_CHECKING:
    from jobrunner.runtime.outputs import Outputs


class Control(Protocol):
    """What can be done to code that is running."""

    def notice(self, reason: StopReason) -> None:
        """Tell it that it is to end soon; it may finish."""
        ...

    def terminate(self) -> None:
        """Ask it to end now, where it can be asked."""
        ...

    def kill(self) -> None:
        """Make it end."""
        ...


NOTICE: Final = "notice"
TERMINATE: Final = "terminate"
KILL: Final = "kill"
ABANDON: Final = "abandon"

Step = tuple[float, str]
"""Seconds after the stop was asked for, and what is done then."""


def steps_for(reason: StopReason, *, kill_grace: float, shutdown_grace: float) -> list[Step]:
    """How an attempt that is to end is brought to its end, ever less gently.

    The last step lets go of what cannot be stopped: a thread in a system call.
    """
    match reason:
        case StopReason.TIMEOUT | StopReason.CANCEL:
            return [(0.0, TERMINATE), (kill_grace, KILL), (2 * kill_grace, ABANDON)]
        case StopReason.SHUTDOWN:
            last = shutdown_grace + min(kill_grace, 2.0)
            return [(0.0, NOTICE), (shutdown_grace, TERMINATE), (last, KILL), (last + 0.5, ABANDON)]
        case StopReason.NOW | StopReason.LOST:
            return [(0.0, KILL), (0.5, ABANDON)]


class Attempt:
    """A lease in the hands of an executor. Its end is reported exactly once."""

    __slots__ = (
        "_clock",
        "_control",
        "_lock",
        "_on_end",
        "_steps",
        "_stop_asked",
        "abandoned",
        "began",
        "claimed_at",
        "deadline",
        "forced",
        "function",
        "in_slot",
        "lease",
        "outputs",
        "over",
        "retired",
        "stop_reason",
        "usage",
        "written",
    )

    def __init__(
        self,
        lease: Lease,
        *,
        clock: Clock,
        on_end: Callable[["Attempt", Ended], None],
        claimed_at: Instant | None = None,
    ) -> None:
        """`on_end` gets the end, from any thread. It was claimed now, unless told otherwise."""
        self.lease = lease
        self.claimed_at = claimed_at or Instant.now(clock)
        self.function: Function | None = None  # found by the executors; None for a command
        self.began: float | None = None
        self.deadline: float | None = None
        self.stop_reason: StopReason | None = None
        self.in_slot = False
        self.over = False
        self.usage: Usage | None = None  # set by the executor before the end
        self.forced = (
            False  # it was made to end, not only told to: how its process ended is our doing
        )
        self.abandoned = False  # its end was reported while its code still ran
        self.retired = False  # the thread that ran it may still hold an exception raised into it
        self.written: Writing | None = None  # once it writes
        self.outputs: Outputs | None = None  # what stores that, and reports, while it runs
        self._clock = clock
        self._on_end = on_end
        self._control: Control | None = None
        self._lock = threading.Lock()
        self._steps: list[Step] = []
        self._stop_asked = 0.0

    def begin(self, control: Control) -> bool:
        """The executor starts the code now. `False` says not to: the attempt is over already."""
        with self._lock:
            if self.over:
                return False
            self._control = control
            self.began = began = self._clock.monotonic()
            if self.lease.timeout is not None:
                self.deadline = began + self.lease.timeout
            return True

    def end(self, outcome: Outcome, output: Output | None = None, *, abandon: bool = False) -> bool:
        """Report the end. `False` says it was reported before, and this one is dropped."""
        with self._lock:
            if self.over:
                return False
            self.abandoned = abandon
            # Under the lock, where nothing is raised into this thread: an end that is noted but
            # not reported would be waited for for ever
            # (guarded by test_an_end_is_reported_whenever_an_exception_comes_up).
            self._report(outcome, output)
            self.over = True
        return True

    def write(self, stream: Stream, text: str) -> None:
        """Note what its code writes, from any thread; nothing once it is over."""
        written = self.written
        if written is None:
            if self.over:
                return
            written = Writing() if self.outputs is None else self.outputs.of(self)
            self.written = written
        written.add(stream, text)

    def later(self, values: dict[str, Any]) -> None:
        """Have what it reports stored soon, in place of what was to be stored before."""
        if self.outputs is not None:
            self.outputs.later(self, values)

    def so_far(self) -> tuple[str, str] | None:
        """What it has written so far, to be stored now; `None` once it is over.

        Its end has the row deleted: under the lock, or it would not know of the row
        (guarded by test_what_is_stored_while_an_attempt_ends_does_not_stay).
        """
        with self._lock:
            if self.over or self.written is None:
                return None
            self.written.is_live = True
            return self.written.texts()

    def began_at(self) -> int:
        """When the code began, in microseconds since the epoch."""
        began = self._clock.monotonic() if self.began is None else self.began
        return self.claimed_at.micros_at(began)

    def _report(self, outcome: Outcome, output: Output | None = None) -> None:
        if self.written is not None:
            output = self.written.output(output)
        at = self.claimed_at.micros_at
        started_at = None if self.began is None else at(self.began)
        ended_at = at(self._clock.monotonic())
        self._on_end(self, Ended(self.lease, outcome, started_at, ended_at, output, self.usage))

    def stopped(self) -> Outcome:
        """The outcome of having been stopped."""
        return stopped(self.stop_reason or StopReason.SHUTDOWN, timeout=self.lease.timeout)

    def stop(self, reason: StopReason, steps: list[Step], now: float) -> None:
        """Have the attempt ended for `reason`. A stronger reason replaces a weaker one."""
        if self.over or not _replaces(reason, self.stop_reason):
            return
        self.stop_reason = reason
        self._steps = list(steps)
        self._stop_asked = now
        self.advance(now)

    def advance(self, now: float) -> None:
        """Take the steps of the stop that are due."""
        while self._steps and now >= self._stop_asked + self._steps[0][0] and not self.over:
            _, action = self._steps.pop(0)
            if self._give_back_unstarted():
                self._report(self.stopped())
            elif action == ABANDON:
                self.end(self.stopped(), abandon=True)
            else:
                self._act(action)

    def give_back(self) -> None:
        """Let go of it if it has not started."""
        if self._give_back_unstarted():
            self._report(Released())

    def _give_back_unstarted(self) -> bool:
        with self._lock:
            if self._control is not None or self.over:
                return False
            self.over = True
            return True

    def _act(self, action: str) -> None:
        with self._lock:  # the code may end at this very moment: then it must not be touched
            if self.over or self._control is None:
                return
            self.forced |= action != NOTICE
            if action == NOTICE:
                self._control.notice(self.stop_reason or StopReason.SHUTDOWN)
            elif action == TERMINATE:
                self._control.terminate()
            else:
                self.retired = True
                self._control.kill()

    def next_step(self) -> float | None:
        """When `advance` or the timeout has something to do, by the monotonic clock."""
        if self._steps:
            return self._stop_asked + self._steps[0][0]
        return self.deadline if self.stop_reason is None else None


_STRENGTH: Final = {
    None: 0,
    StopReason.SHUTDOWN: 1,
    StopReason.TIMEOUT: 2,
    StopReason.CANCEL: 2,
    StopReason.NOW: 3,
    StopReason.LOST: 4,
}


def _replaces(new: StopReason, old: StopReason | None) -> bool:
    return _STRENGTH[new] > _STRENGTH[old]
