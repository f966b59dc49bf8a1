"""Let an application's queue live elsewhere for a while: a fresh database, another clock."""

import contextlib
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

from jobrunner.runtime.clock import Clock
from jobrunner.task_queue import TaskQueue


@contextlib.contextmanager
def isolated(
    queue: TaskQueue,
    *,
    folder: str | os.PathLike[str] | None = None,
    clock: Clock | None = None,
) -> Generator[TaskQueue]:
    """In this block, the queue lives in a fresh database and goes by `clock`, if one is given.

    For the queue at the top of an application's module: its functions go with it, and its own
    database is not opened. `folder` is where the fresh one is made and stays; without it, it
    goes away at the end. Anything that has the queue must have let go of it by then.

    Raises:
        DatabaseError: the database cannot be made.
    """
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="jobrunner-"))
        home, time = queue.relocate(Path(folder) / "jobs.db"), queue.clock
        try:
            queue.clock = clock or time
            yield queue
        finally:
            queue.relocate(home)
            queue.clock = time
