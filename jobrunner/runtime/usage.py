"""What an attempt takes of its machine: seconds of CPU, and memory at its peak."""

import os
import resource
import subprocess
import sys
import time
from typing import Final, NamedTuple

from jobrunner.core.outcome import Usage
from jobrunner.runtime.clock import SystemClock
from jobrunner.storage import kernel

WORTH: Final = 0.001
"""Seconds from which on the CPU time of a thread is told: to ask costs as much as a small task."""

LOOK_EVERY: Final = 0.04
LOOK_AT_LEAST: Final = 1.0
"""Seconds between two looks at the memory of a command: a tenth of its age, within these."""

_UNIT: Final = 1 if sys.platform == "darwin" else 1024
"""What the system counts the peak of a process in."""

_system: Final = SystemClock()


def thread_cpu_s() -> float:
    """The seconds of CPU of this thread so far."""
    return time.thread_time()


class Measured(NamedTuple):
    """What an attempt took, and the memory of its process once it is over, in bytes."""

    usage: Usage
    resident: int


class Meter:
    """Measures what one attempt takes of this process, which runs nothing else meanwhile."""

    def __init__(self) -> None:
        """Begin."""
        self._counts_anew = kernel.forget_peak()
        self._peak = _peak(resource.RUSAGE_SELF)
        self._cpu_s = _cpu_s()

    def read(self) -> Measured:
        """What it took so far. A peak that may be that of an attempt before is not told."""
        cpu_s, now = round(_cpu_s() - self._cpu_s, 6), kernel.memory()
        if now is not None and self._counts_anew:
            return Measured(Usage(cpu_s, now.peak), now.resident)
        peak = _peak(resource.RUSAGE_SELF)
        resident = peak if now is None else now.resident
        return Measured(Usage(cpu_s, peak if peak > self._peak else None), resident)


def _cpu_s() -> float:
    """Of this process, and of those that it has started and waited for."""
    each = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in each)


def _peak(who: int) -> int:
    return resource.getrusage(who).ru_maxrss * _UNIT


class MeasuredProcess(subprocess.Popen[bytes]):
    """A process that is waited for together with what it took.

    The kernel counts the memory of whoever has started it as the least that it had. Less than
    that is known of a process only as far as it was looked at while it ran, which is whenever
    `poll` is called.
    """

    usage: Usage | None = None
    _seen: int | None = None
    _began_at = 0.0
    _look_at = 0.0

    def poll(self) -> int | None:
        """Its exit code, if it has ended."""
        if self.returncode is None and not self._reap(os.WNOHANG):
            self._look()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; returns its exit code. What it took is known without a `timeout`."""
        if self.returncode is None and (timeout is not None or not self._reap(0)):
            return super().wait(timeout)
        return int(self.returncode or 0)

    def _reap(self, flags: int) -> bool:
        try:
            pid, status, took = os.wait4(self.pid, flags)
        except ChildProcessError:  # somebody else has waited for it: there is nothing to tell
            return super().poll() is not None
        if pid != self.pid:
            return False
        self.returncode = os.waitstatus_to_exitcode(status)
        peak = took.ru_maxrss * _UNIT
        known = peak if peak > _peak(resource.RUSAGE_SELF) else self._seen
        self.usage = Usage(round(took.ru_utime + took.ru_stime, 6), known)
        return True

    def _look(self) -> None:
        now = _system.monotonic()
        if not self._began_at:
            self._began_at, self._look_at = now, now + LOOK_EVERY
        if now < self._look_at:
            return
        found = kernel.memory(self.pid)
        if found is not None:
            self._seen = max(found.peak, self._seen or 0)
        self._look_at = now + min(LOOK_AT_LEAST, max(LOOK_EVERY, (now - self._began_at) / 10))
