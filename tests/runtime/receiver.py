"""A real HTTP server on this machine that notes what it is sent, and answers as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue


@dataclass
class Request:
    """What came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What has come so far; `answers` are given in turn, then 204. `None` holds it back."""

    url: str = ""
    answers: list[int | None] = field(default_factory=list)
    came: "SimpleQueue[Request]" = field(default_factory=SimpleQueue)
    gate: threading.Event = field(default_factory=threading.Event)

    def next(self) -> Request:
        """Wait for the next request."""
        return self.came.get(timeout=60)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Serve on a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.answers.pop(0) if receiver.answers else 204
            receiver.came.put(Request(self.path, headers, body))
            if answer is None:
                receiver.gate.wait(60)
                answer = 204
            self.send_response(answer)
            self.send_header("location", receiver.url + "elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    try:
        yield receiver
    finally:
        receiver.gate.set()
        server.shutdown()
        serving.join()
        server.server_close()
