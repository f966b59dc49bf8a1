"""What a contestant does when asked, by the standard library alone: no environment has more.

`python -m benchmarks.peers MODULE VERB URL DETAILS`, the details as JSON: `install` makes the
tables; `fill` enqueues so many tasks in the fastest way that is offered and tells the seconds it
took; `single` enqueues one by one, with one or more hands, and tells how many a second; `spaced`
enqueues one every 0.1 s; `work` says `ready`, waits for a line, and works until it is killed.
"""

import asyncio
import hashlib
import inspect
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

SIZE = 100
"""Bytes of a payload unless something else is asked for."""
SPACE = 0.1
"""Seconds between two tasks at low load: less than 0.06 apart, a notification is left out."""
PAYLOAD = "x" * SIZE
BURN = "b"
"""What the payload of a task begins with that is to keep a core busy."""

Enqueue = Callable[[str], object]
"""Enqueues a payload, durable on return; of a coroutine function, durable when awaited."""
Each = Callable[[Enqueue], Any]


class Contestant(Protocol):
    """One system, each verb in the form its documentation recommends.

    A verb may be a coroutine function: it runs on the event loop that `loop` makes, if there is
    such an attribute, else on asyncio's own.
    """

    def install(self, url: str) -> Any:
        """Make the tables in an empty place."""

    def fill(self, url: str, payloads: Sequence[str], shape: str) -> Any:
        """Enqueue all, at once if it can; the seconds of that. Only jobrunner knows shapes."""

    def single(self, url: str, each: Each) -> Any:
        """Call, or await, `each` with what enqueues one payload."""

    def work(self, url: str, started: Callable[[], None]) -> Any:
        """Work for ever; `started` is called when all is set up, just before the first claim."""


def perform(payload: str) -> str:
    """The task: nothing, or a core kept busy, or to tell how long a moment was on its way."""
    if payload[0] == BURN:
        burn(int(payload[1:].rstrip("x")))
    elif payload[0] != "x":
        os.write(1, f"{time.monotonic() - float(payload):.6f}\n".encode())
    return "ok"


def burn(rounds: int) -> None:
    """Keep one core busy without the GIL: one call into OpenSSL, as long as it has rounds."""
    hashlib.pbkdf2_hmac("sha256", b"password", b"salt", rounds)


def wait_for_go() -> None:
    """Tell that all is set up, and wait until the clock runs."""
    os.write(1, b"ready\n")
    sys.stdin.readline()


def speak(contestant: Contestant, verb: str, url: str, **details: Any) -> None:
    """Do what is asked, and print what it answers."""
    if verb == "fill":
        payload = details.get("start", "").ljust(details.get("size", SIZE), "x")
        answer = contestant.fill(url, [payload] * details["count"], details.get("shape", ""))
    elif verb == "single":
        answer = contestant.single(url, _hands(details["hands"], details["seconds"]))
    elif verb == "spaced":
        answer = contestant.single(url, _spaced(details["count"]))
    elif verb == "work":
        answer = contestant.work(url, wait_for_go)
    else:
        answer = getattr(contestant, verb)(url, **details)
    if inspect.iscoroutine(answer):
        answer = getattr(contestant, "loop", asyncio.run)(answer)
    if answer is not None:
        print(answer)


def timed(action: Callable[[], object]) -> float:
    """The seconds that something takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _hands(hands: int, seconds: float) -> Each:
    """Enqueue for so long, by threads or by coroutines; tasks a second, all hands together."""

    def in_threads(enqueue: Enqueue) -> float:
        def one(until: float) -> int:
            done = 0
            while time.perf_counter() < until:
                enqueue(PAYLOAD)
                done += 1
            return done

        with ThreadPoolExecutor(hands) as threads:
            list(threads.map(lambda _: enqueue(PAYLOAD), range(hands)))  # connects
            began = time.perf_counter()
            done = sum(threads.map(one, [began + seconds] * hands))
            return done / (time.perf_counter() - began)

    async def in_coroutines(enqueue: Callable[[str], Awaitable[object]]) -> float:
        async def one(until: float) -> int:
            done = 0
            while time.perf_counter() < until:
                await enqueue(PAYLOAD)
                done += 1
            return done

        await asyncio.gather(*(enqueue(PAYLOAD) for _ in range(hands)))  # connects
        began = time.perf_counter()
        done = sum(await asyncio.gather(*(one(began + seconds) for _ in range(hands))))
        return done / (time.perf_counter() - began)

    def each(enqueue: Enqueue) -> Any:
        return (in_coroutines if inspect.iscoroutinefunction(enqueue) else in_threads)(enqueue)

    return each


def _spaced(count: int) -> Each:
    """Enqueue moments, one after a pause that is in step with nobody's poll."""

    async def pauses(enqueue: Callable[[str], Awaitable[object]]) -> None:
        await enqueue(PAYLOAD)  # connects
        for _ in range(count):
            await asyncio.sleep(SPACE * random.uniform(0.7, 1.3))  # noqa: S311 - no secret
            await enqueue(f"{time.monotonic():.6f}".ljust(SIZE))

    def each(enqueue: Enqueue) -> Any:
        if inspect.iscoroutinefunction(enqueue):
            return pauses(enqueue)

        async def direct(payload: str) -> object:
            return enqueue(payload)

        return asyncio.run(pauses(direct))

    return each
