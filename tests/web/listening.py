"""Streams of a real server, read by a program as a page would."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx2

from tests.web.conftest import Served

ACCEPT = {"Accept": "text/event-stream"}
PATH = "/api/v1/events"


class Heard:
    """A stream: each event as it comes."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.headers = answer.headers
        self.last_id = ""
        self.close = answer.close
        self._lines = answer.iter_lines()

    def next(self) -> dict[str, Any]:
        """The next event; `EOFError` if there is none, since the stream has ended."""
        told: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if not line and "data" in told:
                self.last_id = told["id"]
                assert told["event"] == "changes"
                return json.loads(told["data"])
            if name:
                told[name] = value
        raise EOFError

    def until(self, **counts: int) -> list[dict[str, Any]]:
        """All events up to one with these counts."""
        found = [self.next()]
        while not counts.items() <= found[-1]["counts"].items():
            found.append(self.next())
        return found


@contextlib.contextmanager
def listening(served: Served, path: str = PATH, **headers: str) -> Iterator[Heard]:
    """Listen for as long as the block lasts."""
    with served.client.stream("GET", path, headers=ACCEPT | headers) as answer:
        assert answer.status_code == 200
        yield Heard(answer)
