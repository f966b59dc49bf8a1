"""A proxy between a client and a server that cuts connections when it is told to."""

import contextlib
import socket
import threading
from collections.abc import Iterator

ROOM = 65_536


class Proxy:
    """Passes on what it gets, until it is told to cut."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[socket.socket] = []
        self._lock = threading.Lock()
        self.port: int = self._listener.getsockname()[1]
        self.name = f"127.0.0.1:{self.port}"
        self.upstream = 0
        self.to_drop = 0
        """So many answers are cut off before anything of them arrives."""
        self.requests = 0
        """How often anything was sent to the server."""

    @property
    def url(self) -> str:
        return f"http://{self.name}"

    def start(self, upstream: int) -> None:
        """Pass on to this port."""
        self.upstream = upstream
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for one in pairs:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.upstream))
                except OSError:
                    near.close()
                    continue
                with self._lock:
                    self._pairs += [near, far]
                for ends, is_answer in ((near, far), False), ((far, near), True):
                    threading.Thread(
                        target=self._pass, args=(*ends, is_answer), daemon=True
                    ).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:  # noqa: FBT001
        with contextlib.suppress(OSError):
            while data := source.recv(ROOM):
                if not is_answer:
                    self.requests += data.startswith((b"GET ", b"P", b"DELETE "))
                elif self.to_drop:
                    self.to_drop -= 1
                    break
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy() -> Iterator[Proxy]:
    """One for a block."""
    made = Proxy()
    try:
        yield made
    finally:
        made.close()
