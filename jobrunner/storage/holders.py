"""Who holds the turn, the write lock or an old view of a database now, as the kernel tells."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from jobrunner.core.finding import Finding, counted, listed, ok, problem, warning
from jobrunner.storage import kernel
from jobrunner.storage.kernel import Process

# The bytes that SQLite locks in the -shm file (https://sqlite.org/walformat.html, 2.3.1).
WRITE_LOCK: Final = range(120, 121)
READ_MARKS: Final = range(123, 128)

EVERYTHING: Final = range(1 << 63)


class Lock(NamedTuple):
    """One line of /proc/locks: whether it waits, its kind, its holder, its file and its bytes."""

    waits: bool
    kind: str
    mode: str
    pid: int
    file: str
    first: int
    last: int


class Holders(NamedTuple):
    """Who holds what of one database; `None` where the kernel does not tell."""

    turn: list[Process]
    waiting: int
    write: list[Process]
    readers: list[Process]


def parse(text: str) -> Iterator[Lock]:
    """Read the text of /proc/locks (see proc_locks(5))."""
    for line in text.splitlines():
        words = line.split()[1:]
        waits = words[:1] == ["->"]
        match words[1:] if waits else words:
            case [kind, _, mode, pid, file, first, last]:
                end = EVERYTHING.stop if last == "EOF" else int(last)
                yield Lock(waits, kind, mode, int(pid), file, int(first), end)
            case _:
                continue


def on(locks: list[Lock], path: Path, span: range = EVERYTHING) -> list[Lock]:
    """The locks on some bytes of a file. The file is only looked at, never opened."""
    try:
        found = path.stat()
    except OSError:
        return []
    inode = f":{found.st_ino}"
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
    here = [
        lock
        for lock in locks
        if lock.file.endswith(inode) and lock.first < span.stop and lock.last >= span.start
    ]
    # Some file systems have devices of their own that stat does not tell.
    return [lock for lock in here if lock.file == device + inode] or here


def holders(path: Path) -> Holders | None:
    """Look at the locks of a database."""
    text = kernel.read("locks")
    if text is None:
        return None
    locks = list(parse(text))
    turn = on(locks, Path(f"{path}.lock"))
    shared = Path(f"{path}-shm")
    # Who has the whole file to himself, as with PRAGMA locking_mode=EXCLUSIVE.
    alone = [lock for lock in on(locks, path) if lock.mode == "WRITE"]
    return Holders(
        turn=_processes(turn),
        waiting=sum(lock.waits for lock in turn),
        write=_processes(on(locks, shared, WRITE_LOCK) + alone),
        readers=[
            reader
            for reader in _processes(on(locks, shared, READ_MARKS))
            if reader.pid != os.getpid()
        ],
    )


def holding(path: Path) -> list[Process]:
    """The processes that hold a lock on a file."""
    return _processes(on(list(parse(kernel.read("locks") or "")), path))


def _processes(locks: list[Lock]) -> list[Process]:
    return [kernel.process(pid) for pid in dict.fromkeys(k.pid for k in locks if not k.waits)]


def judge(found: Holders | None) -> Finding:
    """Whether somebody stands still while all others wait for him."""
    name = "locks"
    if found is None:
        return ok(name, "not looked at: this system does not tell who holds a lock")
    stopped = next((one for one in found.turn + found.write if one.is_stopped), None)
    if stopped is not None:
        where = "in its turn" if stopped in found.turn else "in a transaction"
        return problem(
            name,
            f"{stopped} is stopped {where}: nobody else can write",
            f"Continue it with `kill -CONT {stopped.pid}`, or end it.",
        )
    foreign = [one for one in found.write if one not in found.turn]
    if foreign and found.turn:
        return warning(
            name,
            f"{listed([str(one) for one in foreign])} writes out of turn, "
            f"and {listed([str(one) for one in found.turn])} waits for it",
            "If it is another program, end its transaction.",
        )
    writing = listed([str(one) for one in found.write or found.turn])
    waiting = f", {counted(found.waiting, 'other')} waiting" if found.waiting else ""
    return ok(name, f"{writing} is writing{waiting}" if writing else "nobody is writing")
