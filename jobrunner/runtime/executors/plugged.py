"""Drive a plug-in for a worker: submit, poll, cancel, all from one thread of its own."""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from jobrunner.core.outcome import Crashed, Lost, Outcome, Released, TimedOut
from jobrunner.core.signals import StopReason
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.executors.answer import checked
from jobrunner.runtime.executors.order import Order
from jobrunner.runtime.executors.plugin import Plugin
from jobrunner.runtime.perform import one_line

POLL_EVERY: Final = 0.05
RETRY_AFTER: Final = 1.0
"""Seconds until an engine in trouble is asked again."""

CLOSE_WITHIN: Final = 5.0


class PluggedControl:
    """Hands a stop on to the plug-in's thread."""

    def __init__(self, attempt: Attempt, ask: Callable[[StopReason, bool], None]) -> None:
        """`ask(reason, force)` may be called from any thread."""
        self._attempt = attempt
        self._ask = ask

    def notice(self, reason: StopReason) -> None:
        """Tell it, through its context."""
        self._ask(reason, False)  # noqa: FBT003 — a Callable has no names

    def terminate(self) -> None:
        """Tell it, through its context."""
        self.notice(self._attempt.stop_reason or StopReason.SHUTDOWN)

    def kill(self) -> None:
        """Make it end, as far as the engine can."""
        self._ask(self._attempt.stop_reason or StopReason.NOW, True)  # noqa: FBT003 — as above


class PluggedExecutor:
    """Runs functions on a plug-in's engine."""

    def __init__(
        self,
        plugin: Plugin,
        location: str,
        *,
        trouble: Callable[[str], None],
        wake: Callable[[], None],
    ) -> None:
        """`trouble` is told what is wrong, once; `wake` is called when there is room again."""
        self._plugin = plugin
        self._location = location
        self._trouble = trouble
        self._wake = wake
        self._running: dict[Order, Attempt] = {}
        self._todo: deque[Callable[[], None]] = deque()
        self._news = threading.Event()
        self._lock = threading.Lock()
        self._room = 0
        self._unsubmitted = 0
        self._thread: threading.Thread | None = None
        self._started = False
        self._closed = False
        self._complaint = ""

    def room(self, at_most: int | None) -> int:
        """How many attempts the engine would start now. The plug-in starts when first asked."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._serve, name="jobrunner-plugin", daemon=True
            )
            self._thread.start()
        room = max(0, self._room)
        return room if at_most is None else min(room, at_most)

    def submit(self, attempt: Attempt) -> None:
        """Start an attempt on the engine, from any thread."""
        with self._lock:
            self._room -= 1
            self._unsubmitted += 1
        self._do(partial(self._submit, attempt))

    def close(self) -> None:
        """End the plug-in; what was left behind is the engine's."""
        self._closed = True
        self._news.set()
        if self._thread is not None:
            self._thread.join(CLOSE_WITHIN)

    def _do(self, call: Callable[[], None]) -> None:
        self._todo.append(call)
        self._news.set()

    def _serve(self) -> None:
        while not self._closed:
            self._try(self._round)
            self._news.wait(RETRY_AFTER if self._complaint else POLL_EVERY)
            self._news.clear()
        if self._started:
            self._try(self._plugin.close)

    def _try(self, call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 — nothing in a plug-in may end its thread
            self._set_room(0)
            complaint = _words(error)
            if complaint != self._complaint:
                self._complaint = complaint
                self._trouble(complaint)

    def _round(self) -> None:
        if not self._started:
            self._plugin.start(self._news.set)
            self._started = True
        while self._todo:
            self._todo.popleft()()
        given: list[tuple[object, object]] = []
        try:
            for one in self._plugin.poll():
                given.append(one)  # noqa: PERF402 — where it raises, what came before is kept
            # the room first, so that what has ended is settled together with the next claim
            self._set_room(int(self._plugin.capacity()))
        finally:
            self._take(given)
        self._complaint = ""

    def _set_room(self, capacity: int) -> None:
        with self._lock:
            before = self._room
            self._room = capacity - self._unsubmitted
        if self._room > max(before, 0):
            self._wake()

    def _submit(self, attempt: Attempt) -> None:
        with self._lock:
            self._unsubmitted -= 1
        if attempt.function is None:
            return
        order = Order(attempt.function.reference, self._location, attempt.lease)
        if not attempt.begin(PluggedControl(attempt, partial(self._cancel, order))):
            return
        self._running[order] = attempt
        try:
            self._plugin.submit(order)
        except BaseException:
            self._end(order, Released())
            raise

    def _cancel(self, order: Order, reason: StopReason, force: bool) -> None:  # noqa: FBT001 — see PluggedControl
        self._do(lambda: self._plugin.cancel(order, reason, force=force))

    def _take(self, given: list[tuple[object, object]]) -> None:
        strange = False
        for one in given:
            match one:
                case (Order() as order, outcome):
                    self._end(order, checked(outcome))
                case _:
                    strange = True
        if strange:
            raise TypeError("poll must give pairs of an order and its outcome")

    def _end(self, order: Order, outcome: Outcome) -> None:
        attempt = self._running.pop(order, None)
        if attempt is None:
            return
        died = isinstance(outcome, Crashed | Lost | Released)
        if isinstance(outcome, TimedOut) or (attempt.forced and died):
            outcome = attempt.stopped()
        attempt.end(outcome)


def _words(error: BaseException) -> str:
    """What a plug-in's error says, or failing that its name."""
    with suppress(Exception):  # its words are the plug-in's code too
        if isinstance(error, Exception) and (text := str(error)):
            return text
    return one_line(error)
