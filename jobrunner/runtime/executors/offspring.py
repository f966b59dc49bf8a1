"""Start child processes and hear how they ended, one thread at a time.

At each start multiprocessing looks after all processes it has ever started, and the exit code of
one that has ended is in a pipe, for whoever reads first: of two threads one is told 255.
"""

import threading
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Final

_turn: Final = threading.Lock()


def start(process: BaseProcess) -> None:
    """Start it."""
    with _turn:
        process.start()


def exit_code(process: BaseProcess, *, within: float | None = None) -> int | None:
    """How it ended; `None` if it still runs after `within` seconds."""
    wait([process.sentinel], within)
    with _turn:
        return process.exitcode
