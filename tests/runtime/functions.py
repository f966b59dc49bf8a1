"""Functions for the workers of these tests, importable from their child processes too."""

import asyncio
import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from jobrunner import Cancel, Retry, TaskQueue, context
from jobrunner.testing.executor_functions import (  # noqa: F401 — tests find them all in one place
    FOREVER,
    add,
    add_async,
    await_forever,
    fail,
    fail_async,
    functions,
    obey,
    outlive,
    report_twice,
    report_twice_async,
    snooze_once,
    snooze_once_async,
    spin,
)


class Gates:
    """Events by name, which tests set and functions in threads wait for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gates: dict[str, threading.Event] = {}

    def __getitem__(self, name: str) -> threading.Event:
        with self._lock:
            return self._gates.setdefault(name, threading.Event())

    def forget(self) -> None:
        """Shut them all, for the next test."""
        with self._lock:
            self._gates = {}


gates = Gates()


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


@functions.task
def print_to_nobody() -> int:
    """Print into a pipe that has no reader."""
    reader, writer = os.pipe()
    os.close(reader)
    sys.stdout = os.fdopen(writer, "w")
    print("is anybody there?", end="")  # noqa: T201 — printing is the point
    return os.getpid()


@functions.task
def report_in_a_row(folder: str) -> None:
    """Report more than once at the same moment, then do nothing until there is a file `go`."""
    context.progress(1, total=3)
    context.progress(2, total=3, note="and a last time")
    while not (Path(folder) / "go").exists():
        context.check()
        threading.Event().wait(0.01)


@functions.task
async def report_in_a_row_async(folder: str) -> None:
    """Do the same on an event loop."""
    await asyncio.to_thread(report_in_a_row, folder)


@functions.task
def checkpoint_in_a_transaction(location: str) -> None:
    """Store a checkpoint together with SQL of one's own."""
    with closing(TaskQueue(location)) as queue, queue.transaction():
        context.checkpoint(1)


@functions.task
def progress_in_a_transaction(location: str) -> None:
    with closing(TaskQueue(location)) as queue, queue.transaction():
        context.progress(1)


@functions.task
def leave_running() -> int:
    null = subprocess.DEVNULL
    return subprocess.Popen(["/bin/sleep", "60"], stdin=null, stdout=null, stderr=null).pid


@functions.task
def hold(mebibytes: int, seconds: float) -> None:
    """Have so much memory for a moment, and burn so much CPU."""
    held = bytearray(mebibytes << 20)
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    del held


kept: list[bytearray] = []


@functions.task
def keep(mebibytes: int) -> int:
    """Take so much memory, and never let go of it; the number of the process."""
    kept.append(bytearray(b"x") * (mebibytes << 20))
    return os.getpid()
