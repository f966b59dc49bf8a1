"""Functions that print and log, importable from child processes too."""

import asyncio
import logging
import os
import sys
import threading
from pathlib import Path

from jobrunner import TaskQueue, context

writing = TaskQueue("never-opened.db")
logger = logging.getLogger("tests.writing")
logger.setLevel(logging.INFO)


@writing.task
def say(text: str = "hello") -> None:
    print(text)  # noqa: T201 — what it is for
    sys.stderr.writelines(["oh\n", "dear\n"])


@writing.task
async def say_async(text: str = "hello") -> None:
    print(text)  # noqa: T201 — as above
    await asyncio.to_thread(sys.stderr.writelines, ["oh\n", "dear\n"])


@writing.task
def tell() -> None:
    logger.info("so many: %d", 3)
    logger.debug("not that much")
    try:
        raise ValueError("on purpose")  # noqa: TRY301 — as above
    except ValueError:
        logger.exception("it went wrong")


@writing.task
def tell_in_its_own_way() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("<%(message)s>"))
    logger.addHandler(handler)
    logger.warning("as it likes")
    logger.removeHandler(handler)


@writing.task
def say_and_die() -> None:
    print("the last words")  # noqa: T201 — as above
    os._exit(3)


@writing.task
def say_and_wait(folder: str) -> None:
    """Where gates are not seen: in another process."""
    print("one")  # noqa: T201 — as above
    while not (Path(folder) / "go").exists():
        context.check()
        threading.Event().wait(0.01)
    print("two")  # noqa: T201 — as above


@writing.task
def say_from_a_thread() -> None:
    thread = threading.Thread(target=print, args=("from a thread",))
    thread.start()
    thread.join()


@writing.task
def spin_and_say() -> None:
    """Print as fast as can be, to be stopped in the middle of it."""
    while True:
        print("x")  # noqa: T201 — as above
