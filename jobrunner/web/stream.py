"""What happens, told to all open pages: one thread looks, however many listen."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from jobrunner.core.errors import JobrunnerError
from jobrunner.core.insight import Cursor
from jobrunner.core.web_errors import TooManyStreamsError
from jobrunner.runtime.wakeup import Wakeup
from jobrunner.storage import workers
from jobrunner.task_queue import TaskQueue
from jobrunner.web.tab import Tab, is_full
from jobrunner.web.update import Alive, Speedometer, Update, newest, nothing_of
from jobrunner.web.watching import watch

MOST: Final = 200
"""Streams of one server; half of them for one identity."""

GAP: Final = 0.25
"""Seconds between two updates at least: more than four a second nobody can read."""

LOOK_EVERY: Final = 1.0
"""Seconds between two looks where not everything is told: at a server, or when counts lag."""

FADING: Final = 2.0
"""Seconds between two updates that only lower the rates."""

QUIET: Final = 3600.0
"""Seconds that it waits for a file to change."""

LINGER: Final = 5.0
"""Seconds that the thread waits for the next to listen: pages follow each other."""

FEW: Final = 50
"""New tasks and ends that an update names; of more, the newest."""

MANY: Final = 200
"""The same for whoever comes back."""


class Feed:
    """Follows a queue for as long as somebody listens; while nothing happens, it reads nothing.

    All that listen belong to one event loop.
    """

    def __init__(self, queue: TaskQueue, most: int = MOST) -> None:
        """Nobody listens yet."""
        self.looks = 0
        """How often it has read: as often for one tab as for a hundred."""
        self._queue = queue
        self._most = most
        self._lock = threading.Lock()
        self._tabs: list[Tab] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._wakeup: Wakeup | None = None
        self._ended = threading.Event()
        self._speed = Speedometer()
        self._last: Update | None = None
        self._alone_since: float | None = None

    @property
    def last(self) -> Update | None:
        """The newest update while it is kept up to date; `None` if nobody listens."""
        return self._last

    @property
    def listening(self) -> int:
        """How many follow."""
        return len(self._tabs)

    def listen(self, since: Cursor | None = None, who: str = "") -> Tab:
        """Begin to follow; called in the event loop. What happened behind `since` comes first.

        Raises:
            TooManyStreamsError: there are too many already, or the server ends.
        """
        tab = Tab(since, who)
        with self._lock:
            if self._ended.is_set() or is_full(self._tabs, who, self._most):
                raise TooManyStreamsError(self._most)
            self._loop = asyncio.get_running_loop()
            self._tabs.append(tab)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="jobrunner-feed", daemon=True
                )
                self._thread.start()
            elif self._wakeup is not None:
                self._wakeup.set()
        return tab

    def leave(self, tab: Tab) -> None:
        """Follow no more."""
        with self._lock, contextlib.suppress(ValueError):
            self._tabs.remove(tab)

    def end(self) -> None:
        """End all streams, and begin none any more; called in the event loop."""
        self._stop()
        self._part()

    def close(self) -> None:
        """The same from another thread, once the event loop has ended."""
        thread = self._stop()
        if thread is not None:
            thread.join()

    def _stop(self) -> threading.Thread | None:
        self._ended.set()
        with self._lock:
            if self._wakeup is not None:
                self._wakeup.set()
            return self._thread

    def _part(self) -> None:
        with self._lock:
            tabs, self._tabs = self._tabs, []
        for tab in tabs:
            tab.end()

    def _run(self) -> None:
        try:
            # Whoever listens asks anew when the stream has ended, and is told what is wrong.
            with contextlib.suppress(JobrunnerError):
                self._follow()
        finally:
            with self._lock:
                is_needed = self._thread is threading.current_thread()
                if is_needed:
                    self._thread, self._last = None, None
            if is_needed:
                self._in_loop(self._part)

    def _follow(self) -> None:
        wakeup = Wakeup(watch(self._queue.store.database), self._queue.clock)
        with self._lock:
            self._wakeup = wakeup
            self._alone_since = None
        try:
            while self._turn(wakeup):
                self._ended.wait(GAP)
        finally:
            with self._lock:
                if self._wakeup is wakeup:
                    self._wakeup = None
            wakeup.close()

    def _turn(self, wakeup: Wakeup) -> bool:
        """Wait for something to tell, and tell it; `False` when it is time to end."""
        is_news = wakeup.wait(self._patience())
        with self._lock:
            if self._ended.is_set():
                return False
            if not self._tabs:
                return self._lingers()
            self._alone_since = None
            known = [tab for tab in self._tabs if tab.is_known]
            new = [tab for tab in self._tabs if not tab.is_known]
            for tab in new:
                tab.is_known = True
        if is_news or new or self._is_unsure:
            self._look(known, new, is_news=is_news)
        else:
            self._fade(known)
        return True

    def _lingers(self) -> bool:
        """Whether somebody may still come; if not, the next starts another thread."""
        self._last = None
        self._speed.forget()
        now = self._queue.clock.monotonic()
        if self._alone_since is None:
            self._alone_since = now
        if now - self._alone_since < LINGER:
            return True
        self._thread = None
        return False

    @property
    def _is_unsure(self) -> bool:
        """Whether there may be news that nothing has told of."""
        last = self._last
        return last is None or last.changes.lags or self._queue.store.database.is_served

    def _patience(self) -> float:
        with self._lock:
            if any(not tab.is_known for tab in self._tabs):
                return 0.0
            if not self._tabs:
                return LINGER
        if self._is_unsure:
            return LOOK_EVERY
        return FADING if self._last is not None and self._last.rates.is_any else QUIET

    def _look(self, known: Sequence[Tab], new: Sequence[Tab], *, is_news: bool) -> None:
        last = self._last
        asked = list({tab.since for tab in new if tab.since is not None})
        shared, *missed = self._queue.insight.changes_of(
            [None if last is None else last.changes.cursor, *asked], MANY if asked else FEW
        )
        alive = Alive.of(self._queue.store.read(workers.alive))
        self.looks += 1
        rates = self._speed.rates(self._queue.clock.monotonic(), shared.cursor)
        update = Update(self._queue.clock.now(), newest(shared, FEW), alive, rates)
        self._last = update
        behind = dict(zip(asked, missed, strict=True))
        hello = replace(update, changes=nothing_of(shared))
        greetings = {
            since: hello if since is None else replace(update, changes=behind[since])
            for since in {tab.since for tab in new}
        }
        is_told = is_news or last is None or last.state != update.state
        self._tell(update if is_told else None, known, [(tab, greetings[tab.since]) for tab in new])

    def _fade(self, known: Sequence[Tab]) -> None:
        """Nothing has happened: only the rates are lower than they were."""
        last = self._last
        if last is None:
            return
        rates = self._speed.rates(self._queue.clock.monotonic(), last.changes.cursor)
        if rates != last.rates:
            now, changes = self._queue.clock.now(), nothing_of(last.changes)
            self._last = replace(last, at=now, changes=changes, rates=rates)
            self._tell(self._last, known, [])

    def _tell(
        self, update: Update | None, known: Sequence[Tab], greetings: Sequence[tuple[Tab, Update]]
    ) -> None:
        def tell() -> None:
            if update is not None:
                for tab in known:
                    tab.put(update)
            for tab, greeting in greetings:
                tab.put(greeting)

        self._in_loop(tell)

    def _in_loop(self, call: Callable[..., Any]) -> None:
        loop = self._loop
        with contextlib.suppress(RuntimeError):  # it is closed, and nobody listens any more
            if loop is not None:
                loop.call_soon_threadsafe(call)
