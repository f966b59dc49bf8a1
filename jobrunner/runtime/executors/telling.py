"""A child process tells its worker what the code of an attempt writes and reports, in bundles."""

import threading
from multiprocessing.connection import Connection
from typing import Any, Final, NamedTuple

from jobrunner.core.written import Stream
from jobrunner.runtime.clock import Clock

LATE: Final = 0.25
"""Seconds by which a bundle may be sent late. A line goes at once if nothing was for as long, since
a process that dies takes along what it has not told."""

MUCH: Final = 64 * 1024
"""Characters that are sent at once."""


class Wrote(NamedTuple):
    """Child to worker: what was written to a stream."""

    stream: Stream
    text: str


class Reported(NamedTuple):
    """Child to worker: what is to be stored if nothing else comes soon."""

    values: dict[str, Any]


class Teller:
    """Sends for one attempt, from any thread; what its code writes only until its end."""

    def __init__(self, connection: "Connection[Any, Any]", clock: Clock) -> None:
        """`connection` leads to the worker."""
        self._connection = connection
        self._clock = clock
        # Whoever prints may be interrupted by a finalizer that prints as well.
        self._lock = threading.RLock()
        self._waiting: list[Wrote] = []
        self._size = 0
        self._reported: Reported | None = None
        self._told_at = clock.monotonic() - LATE
        self._later: threading.Timer | None = None
        self._is_over = False

    def send(self, message: object) -> None:
        """Send what cannot wait, after what was written before it."""
        with self._lock:
            self._tell()
            self._connection.send(message)

    def write(self, stream: Stream, text: str) -> None:
        """Send it soon. Where nobody hears it any more, nothing is said: the attempt goes on."""
        with self._lock:
            if self._is_over:
                return
            self._waiting.append(Wrote(stream, text))
            self._size += len(text)
            if self._size >= MUCH or (text.endswith("\n") and self._is_silent()):
                self._try()
            else:
                self._tell_later()

    def report(self, values: dict[str, Any]) -> None:
        """Send it soon, in place of the report before it."""
        with self._lock:
            if not self._is_over:
                self._reported = Reported(values)
                self._tell_later()

    def end(self) -> None:
        """Send what is left; of this attempt nothing is sent any more."""
        with self._lock:
            self._tell()
            self._is_over = True

    def _tell_later(self) -> None:
        if self._later is None:
            self._later = threading.Timer(LATE, self._try)
            self._later.daemon = True
            self._later.start()

    def _is_silent(self) -> bool:
        return self._clock.monotonic() - self._told_at >= LATE

    def _try(self) -> None:
        with self._lock:
            if not self._is_over:
                try:
                    self._tell()
                except OSError:  # the worker is gone; whoever waits for its answer sees that too
                    self._is_over = True

    def _tell(self) -> None:
        if not self._waiting and self._reported is None:
            return
        waiting, self._waiting = self._waiting, []
        reported, self._reported = self._reported, None
        self._size, self._told_at = 0, self._clock.monotonic()
        if self._later is not None:
            self._later.cancel()
            self._later = None
        for stream in Stream:
            if text := "".join(one.text for one in waiting if one.stream is stream):
                self._connection.send(Wrote(stream, text))
        if reported is not None:
            self._connection.send(reported)
