"""A worker process of a scheduler: what it does, and what it says to its scheduler."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from jobrunner.core.errors import DatabaseError, LastingError
from jobrunner.core.events import WorkerTrouble
from jobrunner.core.task import WorkerId
from jobrunner.runtime.collector import calm
from jobrunner.runtime.options import Source, WorkerOptions
from jobrunner.runtime.worker import Worker


class Place:
    """One worker process, and the pipe through which it tells what cannot wait."""

    def __init__(self, process: BaseProcess, hello: "Connection[Any, Any]") -> None:
        """`hello` is the end of the pipe that is read."""
        self.process = process
        self._hello = hello

    def hear(self) -> tuple[WorkerId | None, LastingError | None]:
        """The newest id of its worker, `None` if it never began to work, and why nobody may."""
        worker_id, damage = None, None
        with contextlib.suppress(EOFError, OSError), self._hello:
            while self._hello.poll():
                word = self._hello.recv()
                if isinstance(word, LastingError):
                    damage = word
                else:
                    worker_id = word
        return worker_id, damage


def work(
    queue: Source,
    options: WorkerOptions,
    limits: dict[str, Any],
    hello: "Connection[Any, Any]",
    setup: Callable[[], None],
) -> None:
    """The body of a worker process: its id and what ends all others are sent to `hello`."""
    setup()

    def tell(word: WorkerId | LastingError) -> None:
        with contextlib.suppress(OSError):  # the scheduler has died: `_outlive` sees to that
            hello.send(word)

    calm()
    worker = Worker(queue, options, on_join=tell)
    # A terminal sends SIGINT to all, and the parent decides. A handler, not SIG_IGN: that one
    # would be inherited by commands.
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    signal.signal(signal.SIGTERM, lambda _number, _frame: worker.stop("it got SIGTERM"))
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_outlive, args=(parent, worker), daemon=True).start()
    try:
        worker.run(**limits)
    except LastingError as error:
        tell(error)
    except DatabaseError as error:  # by the exit code the scheduler sees that it has died
        queue.emit(WorkerTrouble(WorkerId(f"process {os.getpid()}"), str(error)))
        sys.exit(1)


def _outlive(parent: BaseProcess, worker: Worker) -> None:
    """Stop the worker when its scheduler has died."""
    parent.join()
    worker.stop("its scheduler has died")
