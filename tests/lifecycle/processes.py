"""What the kernel knows of processes: whether they run, are stopped, and whose they are."""

import os
import signal
from collections.abc import Iterable
from pathlib import Path

MARK = "JOBRUNNER_STAGE"
"""In the environment of all that a stage starts, and of all that those start in turn."""


def state(pid: int) -> str:
    """The kernel's letter for what a process does; empty if there is none."""
    try:
        return Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    return state(pid) not in {"", "Z", "X"}


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def marked(mark: str) -> set[int]:
    """Every living process of one stage, whatever group, session or parent it has taken."""
    wanted = f"{MARK}={mark}".encode()
    found = set()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if wanted in environment.split(b"\0") and is_alive(int(folder.name)):
            found.add(int(folder.name))
    return found


def descendants(pid: int, among: Iterable[int]) -> set[int]:
    """Those of `among` that a process has started, and it itself."""
    parents = {other: parent(other) for other in among}
    found = {pid}
    while more := {other for other in parents if parents[other] in found} - found:
        found |= more
    return found


def send(number: signal.Signals, *pids: int) -> None:
    """Send a signal to those that are still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
