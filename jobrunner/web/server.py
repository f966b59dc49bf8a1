"""An HTTP server in a thread of its own, which ends when it is told to."""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Final

import uvicorn

from jobrunner.core.errors import ConfigurationError
from jobrunner.task_queue import TaskQueue
from jobrunner.web.app import create_app
from jobrunner.web.listening import listen
from jobrunner.web.options import ServeOptions
from jobrunner.web.pages import overview
from jobrunner.web.stream import Feed

GRACE: Final = 3
"""Seconds that open answers get to end in."""

KEPT_ALIVE: Final = 30


class Server:
    """A queue that is served. `options` has the port that was taken."""

    def __init__(self, queue: TaskQueue, options: ServeOptions) -> None:
        """Listens from now on, and answers from `start` on.

        Raises:
            ConfigurationError: nobody could be kept out, or it cannot listen there.
        """
        if options.read_only:
            queue.store.read_only = True  # before it is opened, which may upgrade it
        tokens = queue.tokens.list()  # whatever is wrong with the database is told first
        if not options.is_local and not tokens:
            raise _unguarded()
        self._socket = listen(options.host, options.port)
        self.options = replace(options, port=self._socket.getsockname()[1])
        app = create_app(queue, self.options)
        self.feed: Feed = app.state.feed
        """Whom the open pages listen to."""
        self._glance = app.state.glance
        self._server = _Ending(
            self.feed,
            uvicorn.Config(
                app,
                access_log=False,
                log_config=None,
                http="h11",  # the other has no bound for headers
                log_level=logging.WARNING,
                server_header=False,
                timeout_graceful_shutdown=GRACE,
                timeout_keep_alive=KEPT_ALIVE,
                ws="none",
            ),
        )
        self._thread = threading.Thread(target=self._run, name="jobrunner-serve", daemon=True)
        self._on_end: Callable[[], None] = _nothing
        self.error: BaseException | None = None
        """What has ended it, if nobody has told it to."""

    def start(self, on_end: Callable[[], None] | None = None) -> None:
        """Answer, in a thread; `on_end` is called from it when it has ended."""
        self._on_end = on_end or _nothing
        self._thread.start()

    def stop(self) -> None:
        """End in order; a second time, at once. Only notes it, and may be called by a signal."""
        self._server.force_exit = self._server.should_exit
        self.end()

    def end(self) -> None:
        """End in order."""
        self._server.should_exit = True

    def join(self, timeout: float | None = None) -> bool:
        """Wait for its end; whether it has come within so many seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            overview.warm_up(self._glance)  # whoever connects already waits for it
            self._server.run(sockets=[self._socket])
        except BaseException as error:  # noqa: BLE001 — told by whoever waits
            self.error = error
        finally:
            self.feed.close()
            self._socket.close()
            self._on_end()


class _Ending(uvicorn.Server):
    """Ends the streams, which never do by themselves, before it waits for all answers."""

    def __init__(self, feed: Feed, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._feed = feed

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._feed.end()
        await super().shutdown(sockets)


def _nothing() -> None:
    """Nobody waits."""


def _unguarded() -> ConfigurationError:
    return ConfigurationError(
        "others would reach this server, and there is no token to keep them out",
        hint="Make one: `jobrunner token add NAME --role operate`; or serve 127.0.0.1 only.",
    )


@contextlib.contextmanager
def serving(queue: TaskQueue, options: ServeOptions) -> Generator[Server]:
    """Serve a queue in this block."""
    server = Server(queue, options)
    server.start()
    try:
        yield server
    finally:
        server.end()
        server.join()
