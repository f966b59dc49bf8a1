"""What Linux tells under /proc; elsewhere nothing is known, and nothing fails."""

import re
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")
_OCTAL: Final = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """A mounted file system: where, of which kind, and whether it is read-only."""

    point: str
    kind: str
    is_read_only: bool


class Process(NamedTuple):
    """A process as the kernel knows it. `state` is its letter in `ps`; T is stopped."""

    pid: int
    command: str
    state: str

    @property
    def is_stopped(self) -> bool:
        """Whether it was stopped by a signal or a debugger."""
        return self.state in {"T", "t"}

    def __str__(self) -> str:
        """For people."""
        return f"process {self.pid} ({self.command})" if self.pid > 0 else "a process elsewhere"


def read(name: str) -> str | None:
    """The text of a file under /proc; `None` where there is none or it may not be read."""
    try:
        return (_PROC / name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


class Memory(NamedTuple):
    """The memory of a process that is in RAM, in bytes: now, and at its peak."""

    resident: int
    peak: int


_MEMORY: Final = re.compile(r"^Vm(HWM|RSS):\s+(\d+) kB$", re.MULTILINE)


def memory(pid: int | str = "self") -> Memory | None:
    """The memory of a process; `None` where nothing is told, as of one that has ended."""
    found = dict(_MEMORY.findall(read(f"{pid}/status") or ""))
    if len(found) < 2:  # noqa: PLR2004 — both, or it is not Linux
        return None
    return Memory(int(found["RSS"]) * 1024, int(found["HWM"]) * 1024)


def forget_peak() -> bool:
    """Count the peak of this process's memory anew from here on; whether the kernel does."""
    try:
        (_PROC / "self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def process(pid: int) -> Process:
    """What the kernel tells of a process; one that it does not show has no name and no state.

    The number of a process in another container is 0 here.
    """
    # The command stands in parentheses and may hold any character, parentheses too.
    front, _, rest = (read(f"{pid}/stat") or "").rpartition(")")
    return Process(pid, front.partition("(")[2] or "unknown", rest.strip()[:1])


def mount_of(folder: Path, mounts: str) -> Mount | None:
    """The file system of a folder, out of the text of /proc/self/mountinfo (see proc(5))."""
    best: Mount | None = None
    for line in mounts.splitlines():
        front, separator, back = line.partition(" - ")
        fields, kind = front.split(), back.split()[:1]
        if not separator or not kind or len(fields) < 6:  # noqa: PLR2004 — the fixed fields
            continue
        point = _OCTAL.sub(lambda octal: chr(int(octal[1], 8)), fields[4])
        # Of two on one folder the later covers the earlier.
        if folder.is_relative_to(point) and (best is None or len(point) >= len(best.point)):
            best = Mount(point, kind[0], "ro" in fields[5].split(","))
    return best


def libraries(maps: str) -> list[str]:
    """The files with SQLite in their names out of the text of /proc/self/maps, each once."""
    paths = (line.split(maxsplit=5)[5] for line in maps.splitlines() if "sqlite" in line.lower())
    return list(dict.fromkeys(path for path in paths if "sqlite" in Path(path).name.lower()))
