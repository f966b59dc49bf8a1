"""What pages cost: how soon the overview of a large file is there, and a drain while many look."""

import http.client
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from urllib.parse import urlsplit

from benchmarks.contestant import Contestant
from benchmarks.places import Place
from benchmarks.sizes import Sizes
from benchmarks.stock import Filling, Stock
from benchmarks.workers import Drain, drain, kill

PAUSE = 1.2
"""Seconds between two looks at the overview: by then nothing of it is kept any more."""
LOOKS = 10
FETCHES = (("/overview/figures", 2.0), ("/overview/series", 5.0))
"""What an open page asks for again, and after how many seconds while something happens."""


@contextmanager
def served(place: Place) -> Iterator[str]:
    """A server of the place in a process of its own; its host and port."""
    database = f"{place.url}/queue.db"
    command = [sys.executable, "-m", "jobrunner", "--db", database, "serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        try:
            said = server.stdout.readline() if server.stdout else ""
            yield urlsplit(said.strip()).netloc
        finally:
            kill(server)


def fetched(host: str, path: str) -> float:
    """Milliseconds until all of an answer was there, the connection included.

    Raises:
        RuntimeError: it is an error.
    """
    began = time.perf_counter()
    connection = http.client.HTTPConnection(host, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{path} answered {answer.status}")
    return (time.perf_counter() - began) * 1e3


def overviews(one: Contestant, stock: Stock, size: Sizes) -> tuple[float, float]:
    """Milliseconds of the first look at the overview of a new server, and of later ones."""
    filling = Filling(size.backlogs[0], finished=size.backlogs[-1])
    with stock.place(one, filling) as place, served(place) as host:
        fetched(host, "/livez")
        first = fetched(host, "/")
        later: list[float] = []
        for _ in range(LOOKS):
            time.sleep(PAUSE)
            later.append(fetched(host, "/"))
        return first, median(later)


def drained(one: Contestant, stock: Stock, size: Sizes, pages: int) -> Drain:
    """A drain beside a server that so many pages look at, the least disturbed of some."""
    tries: list[Drain] = []
    for _ in range(size.tries):
        filling = Filling(size.memory)
        with stock.place(one, filling) as place, served(place) as host, looking(host, pages):
            tries.append(drain(one, place, size.memory, cap=size.cap))
    return min(tries, key=lambda n: n.others)


@contextmanager
def looking(host: str, pages: int) -> Iterator[None]:
    """So many open pages: each has a stream, and asks again for its parts."""
    over = threading.Event()
    with ExitStack() as stack, selectors.DefaultSelector() as streams:
        for _ in range(pages):
            fetched(host, "/")
            streams.register(stack.enter_context(_stream(host)), selectors.EVENT_READ)
        threads: list[threading.Thread] = []
        if pages:
            threads.append(threading.Thread(target=_read, args=(streams, over)))
            threads += [
                threading.Thread(target=_fetch, args=(host, path, every / pages, over))
                for path, every in FETCHES
            ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()


def _stream(host: str) -> socket.socket:
    name, _, port = host.rpartition(":")
    stream = socket.create_connection((name, int(port)), timeout=60)
    lines = ("GET /api/v1/events HTTP/1.1", f"Host: {host}", "Accept: text/event-stream", "", "")
    stream.sendall("\r\n".join(lines).encode())
    if b"200 OK" not in stream.recv(4096):
        raise RuntimeError("there is no stream")
    return stream


def _read(streams: selectors.BaseSelector, over: threading.Event) -> None:
    while not over.is_set():
        for key, _ in streams.select(0.1):
            os.read(key.fd, 65_536)


def _fetch(host: str, path: str, every: float, over: threading.Event) -> None:
    while not over.wait(every):
        fetched(host, path)
