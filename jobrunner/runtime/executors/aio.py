"""Run coroutine functions, many at a time, on one event loop in a thread of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial

from jobrunner.core.outcome import Failed, Outcome, TimedOut
from jobrunner.core.signals import StopReason
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.executors.thread import DatabaseLink
from jobrunner.runtime.perform import one_line, perform_async
from jobrunner.runtime.recall import Fresh, before
from jobrunner.runtime.registry import Function
from jobrunner.runtime.running import Running
from jobrunner.storage.engine import Database


class CoroutineControl:
    """A coroutine is asked through its context, then cancelled at its next await."""

    def __init__(self, loop: asyncio.AbstractEventLoop, running: "asyncio.Task[None]") -> None:
        """`running` is the attempt on `loop`."""
        self._loop = loop
        self._running = running

    def notice(self, reason: StopReason) -> None:
        """Nothing to do: the code asks its context."""

    def terminate(self) -> None:
        """Nothing to do: the code asks its context."""

    def kill(self) -> None:
        """Raise CancelledError where it awaits."""
        self._loop.call_soon_threadsafe(self._running.cancel)


class AsyncExecutor:
    """One loop for all coroutines of a worker, so many at a time."""

    def __init__(
        self, size: int, database: Database, clock: Clock, trouble: Callable[[str], None]
    ) -> None:
        """`size` coroutines at most run at a time. The loop's thread starts at once."""
        self._trouble = trouble
        self._slots = asyncio.Semaphore(size)
        self._size = size
        self._owed = 0
        self._database = database
        self._clock = clock
        self._loop = asyncio.new_event_loop()
        self._running: set[asyncio.Task[None]] = set()
        threading.Thread(target=self._serve, name="jobrunner-loop", daemon=True).start()

    def _serve(self) -> None:
        self._loop.run_forever()
        for running in self._running:
            running.cancel()
        if self._running:
            self._loop.run_until_complete(asyncio.wait(self._running, timeout=1))
        self._loop.close()

    def submit(self, attempt: Attempt) -> None:
        """Start an attempt on the loop, from any thread."""
        self._loop.call_soon_threadsafe(self._start, attempt)

    def add_slot(self) -> None:
        """Let one more run, in the place of one that does not end."""
        self._loop.call_soon_threadsafe(self._give_slot)

    def resize(self, size: int) -> None:
        """Let so many run at a time, from any thread; what runs is not touched."""
        more, self._size = size - self._size, size
        for _ in range(more):
            self.add_slot()
        for _ in range(-more):
            self._loop.call_soon_threadsafe(self._take_slot)

    def _give_slot(self) -> None:
        if self._owed:
            self._owed -= 1
        else:
            self._slots.release()

    def _take_slot(self) -> None:
        """Take a slot away: a free one now, or the next that becomes free."""
        if self._slots.locked():
            self._owed += 1
        else:
            with contextlib.suppress(StopIteration):
                self._slots.acquire().send(None)  # it is free: nothing is waited for

    def close(self) -> None:
        """Stop the loop; what still runs on it is left behind."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _start(self, attempt: Attempt) -> None:
        running = self._loop.create_task(self._run(attempt))
        self._running.add(running)  # the loop itself keeps only weak references
        running.add_done_callback(self._running.discard)

    async def _run(self, attempt: Attempt) -> None:
        await self._slots.acquire()  # it may have been claimed ahead
        try:
            await self._perform(attempt)
        finally:
            if not attempt.abandoned:  # then `add_slot` was called
                self._give_slot()

    async def _perform(self, attempt: Attempt) -> None:
        current = asyncio.current_task()
        if attempt.function is None or current is None:
            return
        if not attempt.begin(CoroutineControl(self._loop, current)):
            return
        running = Running(DatabaseLink(attempt, self._database, self._clock), self._clock)
        try:
            outcome = await self._outcome(attempt, attempt.function, running)
        except Exception as error:  # noqa: BLE001 — an attempt that never ends would be worse
            outcome = Failed(f"the executor failed: {one_line(error)}")
        for problem in running.troubles:
            self._trouble(problem)
        attempt.end(attempt.stopped() if isinstance(outcome, TimedOut) else outcome)

    async def _outcome(self, attempt: Attempt, function: Function, running: Running) -> Outcome:
        lease, found = attempt.lease, None
        if lease.extras is not None:  # files are read, and the others must not wait for that
            look = partial(before, lease, function, self._database, shielded=running.link.shielded)
            found = await asyncio.to_thread(look)
        if found is not None and not isinstance(found, Fresh):
            return found
        outcome = await perform_async(function, lease.args, lease.kwargs, running)
        return outcome if found is None else await asyncio.to_thread(found.ended, outcome)
