"""What a contestant does when asked, by the standard library alone: no environment has more.

`python -m benchmarks.peers NAME VERB DSN COUNT`: `install` makes the tables; `bulk` and `single`
enqueue so many no-ops at once or one by one, `spaced` one every 50 ms, each of these telling
the seconds it took; `work` says `ready`, waits for a line, and works until it is killed.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

SIZE = 100
SPACE = 0.05


class Contestant(Protocol):
    """One system, each verb in the form its documentation recommends."""

    async def install(self, dsn: str) -> None:
        """Make the tables in an empty database."""

    async def bulk(self, dsn: str, payloads: list[str]) -> float:
        """Enqueue all in one call; the seconds of that call."""

    async def single(self, dsn: str, each: "Each") -> None:
        """Call `each` with what enqueues one payload, durable on return."""

    async def work(self, dsn: str, started: Callable[[], None]) -> None:
        """Work for ever; `started` is called when all is set up, just before the first claim."""


Each = Callable[[Callable[[str], Awaitable[object]]], Coroutine[Any, Any, None]]


def noop(payload: str) -> str:
    """Do nothing, but tell how long a payload with a moment in it was on its way."""
    if payload[0] != "x":
        os.write(1, f"{time.monotonic() - float(payload):.6f}\n".encode())
    return "ok"


def wait_for_go() -> None:
    """Tell that all is set up, and wait until the clock runs."""
    os.write(1, b"ready\n")
    sys.stdin.readline()


def speak(
    contestant: Contestant,
    run: Callable[[Coroutine[Any, Any, Any]], Any],
    verb: str,
    dsn: str,
    count: int,
) -> None:
    """Do what is asked, on the event loop that the contestant recommends."""
    if verb == "install":
        run(contestant.install(dsn))
    elif verb == "work":
        run(contestant.work(dsn, wait_for_go))
    elif verb == "bulk":
        print(run(contestant.bulk(dsn, ["x" * SIZE] * count)))
    else:
        each = _one_by_one(count) if verb == "single" else _spaced(count)
        run(contestant.single(dsn, each))


def _one_by_one(count: int) -> Each:
    async def each(enqueue: Callable[[str], Awaitable[object]]) -> None:
        await enqueue("x" * SIZE)  # connects
        began = time.perf_counter()
        for _ in range(count):
            await enqueue("x" * SIZE)
        print(time.perf_counter() - began)

    return each


def _spaced(count: int) -> Each:
    async def each(enqueue: Callable[[str], Awaitable[object]]) -> None:
        await enqueue("x" * SIZE)  # connects
        for _ in range(count):
            await asyncio.sleep(SPACE * random.uniform(0.5, 1.5))  # noqa: S311 - not in step with a poll
            await enqueue(f"{time.monotonic():.6f}".ljust(SIZE))

    return each
