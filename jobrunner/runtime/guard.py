"""A small process that outlives a killed worker and ends the process groups it leaves behind."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

_PROGRAM: Final = str(Path(__file__).with_name("guarding.py"))


class Guard:
    """Knows the process groups that run tasks. They end when the worker does, even by SIGKILL.

    PR_SET_PDEATHSIG would end only the direct child, and on the death of a mere thread.
    """

    def __init__(self) -> None:
        """The process is started with the first group."""
        self._process: subprocess.Popen[str] | None = None
        self._groups: set[int] = set()
        self._closed = False
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Be there before the next group: its worker may be killed the moment it has started."""
        with self._lock:
            if not self._closed and not self._is_there():
                self._start()

    def _is_there(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def add(self, group: int) -> None:
        """End this process group if the worker dies."""
        with self._lock:
            if self._closed:  # a slot was still starting it
                with contextlib.suppress(OSError):
                    os.killpg(group, signal.SIGKILL)
                return
            self._groups.add(group)
            if self._is_there():
                self._say(f"+{group}\n")
            else:
                self._start()

    def remove(self, group: int) -> None:
        """The group has ended."""
        with self._lock:
            self._groups.discard(group)
            self._say(f"-{group}\n")

    def _start(self) -> None:
        """Start the process, again if somebody has killed it, and tell it of all groups."""
        self._end()
        self._process = subprocess.Popen(  # noqa: S603 — our own interpreter
            [sys.executable, "-I", "-S", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
            start_new_session=True,
        )
        for group in self._groups:
            self._say(f"+{group}\n")

    def _say(self, line: str) -> None:
        if self._process and self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.write(line)

    def close(self) -> None:
        """End the guard, and with it any group that is still known."""
        with self._lock:
            self._closed = True
            self._end()
            self._groups.clear()

    def _end(self) -> None:
        if self._process and self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            self._process.wait()
        self._process = None
