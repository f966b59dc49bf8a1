"""Answers to probes over HTTP, from a thread: does the worker turn, does the database answer."""

import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Protocol

from jobrunner.core.errors import ConfigurationError, JobrunnerError
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.options import Source
from jobrunner.storage import reads

LOCAL: Final = "127.0.0.1"
PATIENCE: Final = 5.0
"""Seconds that a request may take to come."""


class Turning(Protocol):
    """A worker or a scheduler: what goes round and round."""

    @property
    def turned_at(self) -> float | None:
        """When its loop began its last turn, by the monotonic clock; `None` before the first."""
        ...


def parse_address(text: str) -> tuple[str, int]:
    """Read `HOST:PORT`, or a port of this machine only.

    Raises:
        ConfigurationError: it is neither.
    """
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 <= int(port) < 1 << 16:
        raise ConfigurationError(f"{text!r} is no HOST:PORT", hint="Write 127.0.0.1:8089.")
    return host.strip("[]") or LOCAL, int(port)


class Probes:
    """Serves `/livez` and `/readyz` from `start` to `close`: 200, or 503 with the reason."""

    def __init__(
        self, address: tuple[str, int], runner: Turning, queue: Source, *, lost_after: float
    ) -> None:
        """A loop that has not begun a turn for `lost_after` seconds counts as stuck.

        Raises:
            ConfigurationError: it cannot listen there.
        """
        self._runner = runner
        self._queue = queue
        self._clock: Clock = queue.clock
        self._lost_after = lost_after
        self._asking = threading.Lock()
        answered = {"/livez": self.is_stuck, "/readyz": self.is_unready}

        class Handler(_Handler):
            asked = answered

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            daemon_threads = True

        try:
            self._server = Server(address, Handler)
        except OSError as error:
            raise ConfigurationError(
                f"no probe can be answered at {address[0]}:{address[1]}: {error.strerror}",
                hint="Name another with --health HOST:PORT.",
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="jobrunner-probes", daemon=True
        )

    @property
    def port(self) -> int:
        """Where it listens, also if it was asked for any that is free."""
        return self._server.server_port

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def is_stuck(self) -> str | None:
        """Why it is not live, one sentence; `None` if it is."""
        turned_at = self._runner.turned_at
        if turned_at is None:
            return None  # it starts
        since = self._clock.monotonic() - turned_at
        return f"its loop has stood for {since:.0f} s" if since > self._lost_after else None

    def is_unready(self) -> str | None:
        """Why it cannot work, one sentence; `None` if it can."""
        if self._runner.turned_at is None:
            return "it starts"
        if (stuck := self.is_stuck()) is not None:
            return stuck
        if not self._asking.acquire(blocking=False):  # one hangs: many more would be no wiser
            return "the database has not answered yet"
        try:
            with self._queue.database.reading() as transaction:
                reads.nothing_left(transaction)
        except JobrunnerError:
            return "the database does not answer"  # who asks need not know which it is
        finally:
            self._asking.release()
        return None


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    asked: dict[str, Callable[[], str | None]]
    timeout = PATIENCE
    server_version = "jobrunner"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer it."""
        probe = self.asked.get(self.path.partition("?")[0])
        problem = "there is only /livez and /readyz" if probe is None else probe()
        code = HTTPStatus.OK if problem is None else HTTPStatus.SERVICE_UNAVAILABLE
        body = f"{problem or 'ok'}\n".encode()
        self.send_response(HTTPStatus.NOT_FOUND if probe is None else code)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 — as above

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — as above
        """Probes come every few seconds: nobody wants to read of them."""
