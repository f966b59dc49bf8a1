"""Hear what others have committed, by LISTEN on a connection of its own."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Generator
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from jobrunner.storage.notices import ANY, GAP
from jobrunner.storage.watch import TOLD

AGAIN: Final = GAP + 0.01
"""Seconds after which whoever was woken looks again, for what came within the gap."""

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 10.0
CLOSE_WITHIN: Final = 1.0
"""Seconds between attempts to listen again, doubled each time."""


class Listener:
    """A thread that listens on a connection of its own, for everybody in this process."""

    def __init__(self, engine: Engine, channel: str) -> None:
        """It begins with the first watch. `engine` makes connections to listen on."""
        self._engine = engine
        self._channel = channel
        self._watches: set[NoticeWatch] = set()
        self._thread: threading.Thread | None = None
        self._driver: Any = None
        self._end = threading.Event()
        self._lock = threading.Lock()

    def watch(self, queues: frozenset[str]) -> "NoticeWatch":
        """See notices about these queues, about all if none is named."""
        watch = NoticeWatch(queues, self._watches.discard)
        with self._lock:
            self._watches.add(watch)
            if self._thread is None:
                name = f"jobrunner-{self._channel}"
                self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
                self._thread.start()
        return watch

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            self._end.set()
            if self._driver is not None:  # it waits for the socket: that is what wakes it
                with contextlib.suppress(OSError), socket.socket(fileno=self._socket()) as ours:
                    ours.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join(CLOSE_WITHIN)  # one that still connects ends by itself

    def _socket(self) -> int:
        return os.dup(self._driver.fileno())

    def _loop(self) -> None:
        lost = (DBAPIError, OSError, self._engine.dialect.loaded_dbapi.Error)
        pause = FIRST_PAUSE
        while not self._end.is_set():
            with contextlib.suppress(*lost), self._connected() as driver:
                driver.execute(f'LISTEN "{self._channel}"')
                pause = FIRST_PAUSE
                self._hear(driver)
            self._end.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    @contextlib.contextmanager
    def _connected(self) -> Generator[Any]:
        connection = self._engine.raw_connection()
        driver: Any = connection.driver_connection
        driver.autocommit = True
        with self._lock:
            self._driver = driver
        try:
            yield driver
        finally:
            with self._lock:
                self._driver = None
                connection.detach()
                connection.close()

    def _hear(self, driver: Any) -> None:
        told = {ANY}  # for what was told while nobody listened, and what was left out since
        self._wake(told)
        while not self._end.is_set():
            news = list(driver.notifies(timeout=AGAIN if told else 1.0, stop_after=1))
            told.update(notice.payload for notice in news)
            self._wake(told)
            if not news:  # that was the second look
                told.clear()

    def _wake(self, queues: set[str]) -> None:
        for watch in tuple(self._watches):
            for queue in queues:
                watch.hear(queue)


class NoticeWatch:
    """Sees notices, as `ChangeWatch` sees commits."""

    def __init__(
        self, queues: frozenset[str], forget: "Callable[[NoticeWatch], None]" = lambda _: None
    ) -> None:
        """Nothing has been heard yet."""
        self.descriptor = None
        self.pauses = TOLD
        self._queues = queues
        self._forget = forget
        self._news = False
        self._wake: Callable[[], None] = _nothing

    def hear(self, queue: str) -> None:
        """There is news of a queue, or of any."""
        if not queue or not self._queues or queue in self._queues:
            self._news = True
            self._wake()

    def call(self, wake: Callable[[], None]) -> None:
        """Have `wake` called with each news, from the listening thread."""
        self._wake = wake

    def changed(self) -> bool:
        """Whether there was news since the last look."""
        news, self._news = self._news, False
        return news

    def close(self) -> None:
        """Hear no more."""
        self._forget(self)


def _nothing() -> None:
    """Wake nobody."""
