"""The stream of changes: followed over cuts, by who asks for it or by a thread that waits."""

import contextlib
import json
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final, Self

import httpx2

from jobrunner.client.connection import Connection, as_told
from jobrunner.client.patience import PAUSES, rest
from jobrunner.core.errors import JobrunnerError
from jobrunner.core.insight import Changes, Cursor
from jobrunner.core.read_control import changes_of

SILENCE: Final = 45.0
"""Seconds without a sign of life, three of a server's heartbeats, after which it is broken."""

AGAIN: Final = 30.0
"""Seconds until a stream that was refused is asked for again by who can do without."""


def follow(
    connection: Connection,
    since: Cursor | None = None,
    *,
    ended: threading.Event | None = None,
    on_open: Callable[[httpx2.Response], None] = lambda _: None,
) -> Iterator[Changes]:
    """What happens behind a cursor, or from now on; a stream that is cut is gone on with.

    Raises:
        UnreachableError: the server is gone, also after some pauses.
        JobrunnerError: it refuses to tell.
    """
    ended = ended or connection.ended
    cut = 0
    while not ended.is_set():
        cursor = None if since is None else str(since)
        try:
            with connection.stream("events", silence=SILENCE, since=cursor) as source:
                on_open(source.response)
                for event in source:
                    if event.data:
                        found = as_told(lambda told: changes_of(json.loads(told)), event.data)
                        since, cut = found.cursor, 0
                        yield found
        except httpx2.TransportError as error:
            if ended.is_set():
                return
            if cut >= len(PAUSES):
                raise connection.lost(error) from error
        rest(ended, PAUSES[min(cut, len(PAUSES) - 1)])
        cut += 1


PATIENCE: Final = 2.0
"""Seconds that the thread gets to end in; one that still connects ends by itself."""


class News:
    """Follows the changes in a thread of its own, so that whoever waits can stop at any moment.

    Where the server gives no stream it only ever says that there is nothing new.
    """

    def __init__(self, connection: Connection) -> None:
        """Begins with the first `wait`."""
        self._connection = connection
        self._found: queue.SimpleQueue[Changes] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._answer: httpx2.Response | None = None
        self._thread: threading.Thread | None = None
        self.is_heard = False
        """Whether a stream is open."""

    def wait(self, seconds: float) -> list[Changes]:
        """What has happened since the last call, once something has, or the time is over."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="jobrunner-client-news", daemon=True
            )
            self._thread.start()
        found: list[Changes] = []
        with contextlib.suppress(queue.Empty):
            found.append(self._found.get(timeout=max(seconds, 0.0)))
            while True:
                found.append(self._found.get_nowait())
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            _cut(self._answer)
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        while not self._ended.is_set():
            # What is wrong, whoever waits is told when they ask for a task themselves.
            with contextlib.suppress(JobrunnerError, RuntimeError):
                self._follow()
            self.is_heard = False
            rest(self._ended, AGAIN)

    def _follow(self) -> None:
        for changes in follow(self._connection, ended=self._ended, on_open=self._opened):
            if self._ended.is_set():
                return
            self.is_heard = True
            self._found.put(changes)

    def _opened(self, answer: httpx2.Response) -> None:
        self._answer = answer
        if self._ended.is_set():
            _cut(answer)


def _cut(answer: httpx2.Response | None) -> None:
    """Have a thread that reads an answer read its end."""
    stream = None if answer is None else answer.extensions.get("network_stream")
    if stream is not None:
        with contextlib.suppress(OSError):  # it has ended already
            stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
