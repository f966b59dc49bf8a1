"""Functions for the workers of these tests, importable from their child processes too."""

import asyncio
import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

from jobrunner import Cancel, Retry, Snooze, TaskQueue, context

functions = TaskQueue("never-opened.db")

FOREVER = 60.0
"""Seconds that a stuck task blocks, where no test sets it free."""


class Gates:
    """Events by name, which tests set and functions in threads wait for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gates: dict[str, threading.Event] = {}

    def __getitem__(self, name: str) -> threading.Event:
        with self._lock:
            return self._gates.setdefault(name, threading.Event())


gates = Gates()


@functions.task
def add(left: int, right: int) -> int:
    return left + right


@functions.task
async def add_async(left: int, right: int) -> int:
    await asyncio.get_running_loop().run_in_executor(None, int)
    return left + right


@functions.task
def fail(text: str) -> None:
    raise ValueError(text)


@functions.task
async def fail_async(text: str) -> None:
    raise ValueError(text)


@functions.task
def report_twice() -> str:
    context.checkpoint({"at": 1})
    context.progress(1, total=2, note="half")
    return f"{context.task_id}:{context.attempt}:{context.last_checkpoint()['at']}"


@functions.task
async def report_twice_async() -> str:
    return report_twice()


@functions.task
def obey() -> None:
    """Run until asked to stop."""
    context.progress(0, note="running")
    while True:
        context.check()
        threading.Event().wait(0.01)


@functions.task
async def await_forever() -> None:
    context.progress(0, note="running")
    await asyncio.Event().wait()


@functions.task
def spin() -> None:
    """Never look up: only an exception raised from outside ends it."""
    context.progress(0, note="running")
    while True:
        pass


@functions.task
def block(gate: str = "") -> str:
    """Sit in one C call, where no exception arrives, until the gate opens."""
    context.progress(0, note="running")
    gates[gate].wait(FOREVER)
    return "late"


@functions.task
def save_forever() -> None:
    """Be inside a transaction of the worker's own nearly all the time."""
    while True:
        context.checkpoint("still here")


@functions.task
def finish_on_request(gate: str) -> str:
    context.progress(0, note="running")
    gates[gate].wait(FOREVER)
    return "finished"


@functions.task
def snooze_once(delay: float) -> int:
    if context.last_checkpoint() is None:
        context.checkpoint("snoozed")
        raise Snooze(delay)
    return context.attempt


@functions.task
async def snooze_once_async(delay: float) -> int:
    return snooze_once(delay)


@functions.task
def retry_once() -> int:
    if context.attempt == 1:
        raise Retry("not yet", after=0)
    return context.attempt


@functions.task
def cancel_itself(reason: str) -> None:
    raise Cancel(reason)


@functions.task
def exit_process(code: int) -> None:
    os._exit(code)


@functions.task
def segfault() -> None:
    ctypes.string_at(0)


@functions.task
def leave_by_exit() -> None:
    raise SystemExit(4)


@functions.task
def pid() -> int:
    return os.getpid()


@functions.task
def no_json() -> Any:
    return {1, 2}


@functions.task
def count_up(upto: int, stop_at: int) -> Iterator[int] | int:
    """Resume through numbers; the first attempt breaks down at one of them."""
    seen = []
    for number in context.resume(range(upto)):
        if number == stop_at and context.attempt == 1:
            raise Retry("broken down", after=0)
        seen.append(number)
    return seen[0] if seen else -1


@functions.task
def record(gate: str) -> None:
    """Say that it ran: sets its gate."""
    gates[gate].set()


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@functions.task
def fail_without_words() -> None:
    raise UnspeakableError


@functions.task
async def fail_without_words_async() -> None:
    raise UnspeakableError


@functions.task
def snooze_for(days: int) -> None:
    raise Snooze(days * 86400.0)


@functions.task
def retry_after(days: int) -> None:
    raise Retry(after=days * 86400.0)


@functions.task
def exit_process_later() -> None:
    """Leave behind a thread that ends the process when the task has long ended."""
    threading.Timer(0.2, os._exit, [7]).start()


@functions.task
def wait_for_exit() -> None:
    """Run in another process than the one that is about to end."""


@functions.task
def print_to_nobody() -> int:
    """Print into a pipe that has no reader."""
    reader, writer = os.pipe()
    os.close(reader)
    sys.stdout = os.fdopen(writer, "w")
    print("is anybody there?", end="")  # noqa: T201 — printing is the point
    return os.getpid()


@functions.task
def checkpoint_in_a_transaction(location: str) -> None:
    """Store a checkpoint together with SQL of one's own."""
    with TaskQueue(location).transaction():
        context.checkpoint(1)


@functions.task
def progress_in_a_transaction(location: str) -> None:
    with TaskQueue(location).transaction():
        context.progress(1)


@functions.task
def leave_running() -> int:
    null = subprocess.DEVNULL
    return subprocess.Popen(["/bin/sleep", "60"], stdin=null, stdout=null, stderr=null).pid
