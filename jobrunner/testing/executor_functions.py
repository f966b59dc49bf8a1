"""Functions that put an executor to the test, importable wherever it runs them."""

import asyncio
import os
import signal
import threading
from pathlib import Path
from typing import Any

from jobrunner import Retry, Snooze, TaskQueue, context

functions = TaskQueue("never-opened.db")

FOREVER = 60.0
"""Seconds that a stuck function blocks."""


@functions.task
def add(left: int, right: int) -> int:
    """Return the sum."""
    return left + right


@functions.task
async def add_async(left: int, right: int) -> int:
    """Return the sum, after an await."""
    await asyncio.get_running_loop().run_in_executor(None, int)
    return left + right


@functions.task
def fail(text: str) -> None:
    """Raise a ValueError."""
    raise ValueError(text)


@functions.task
async def fail_async(text: str) -> None:
    """Raise a ValueError."""
    raise ValueError(text)


class UnspeakableError(Exception):
    """It has no words."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


@functions.task
def fail_without_words() -> None:
    """Raise what cannot be told."""
    raise UnspeakableError


@functions.task
async def fail_without_words_async() -> None:
    """Raise what cannot be told."""
    raise UnspeakableError


@functions.task
def no_json() -> Any:
    """Return what cannot be stored."""
    return {1, 2}


@functions.task
def report_twice() -> str:
    """Store a checkpoint and progress, and return what the context says."""
    context.checkpoint({"at": 1})
    context.progress(1, total=2, note="half")
    return f"{context.task_id}:{context.attempt}:{context.last_checkpoint()['at']}"


@functions.task
async def report_twice_async() -> str:
    """Store a checkpoint and progress, and return what the context says."""
    return report_twice()


@functions.task
def snooze_once(delay: float) -> int:
    """Snooze on the first run; return the number of the attempt on the second."""
    if context.last_checkpoint() is None:
        context.checkpoint("snoozed")
        raise Snooze(delay)
    return context.attempt


@functions.task
async def snooze_once_async(delay: float) -> int:
    """Snooze on the first run; return the number of the attempt on the second."""
    return snooze_once(delay)


@functions.task
def snooze_for(days: int) -> None:
    """Snooze for very long."""
    raise Snooze(days * 86400.0)


@functions.task
def retry_after(days: int) -> None:
    """Ask for a retry after very long."""
    raise Retry(after=days * 86400.0)


@functions.task
def obey() -> None:
    """Run until asked to stop."""
    context.progress(0, note="running")
    while True:
        context.check()
        threading.Event().wait(0.01)


@functions.task
async def await_forever() -> None:
    """Await what never comes."""
    context.progress(0, note="running")
    await asyncio.Event().wait()


@functions.task
def spin() -> None:
    """Never look up: only an exception raised from outside ends it."""
    context.progress(0, note="running")
    while True:
        pass


@functions.task
def hang() -> None:
    """Sit in one C call, where no exception arrives."""
    context.progress(0, note="running")
    threading.Event().wait(FOREVER)


@functions.task
def outlive(folder: str) -> str:
    """Start, and be there until somebody makes the file `go` in `folder`."""
    context.progress(0, note=str(os.getpid()))
    while not (Path(folder) / "go").exists():
        context.check()
        threading.Event().wait(0.01)
    return folder


@functions.task
def die(folder: str) -> None:
    """Note a start in `folder`, and take the process down."""
    (Path(folder) / f"start-{context.attempt}-{os.urandom(4).hex()}").touch()
    os.kill(os.getpid(), signal.SIGKILL)
