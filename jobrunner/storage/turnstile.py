"""Writers take turns: threads at a mutex, processes at a lock on a file."""

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final

from jobrunner.core.errors import DatabaseError
from jobrunner.storage.sqlite import open_private

PATIENCE: Final = 2.0
"""Seconds to wait for a turn; then whoever holds it is frozen, or at something very long."""

_writing: Final[set[tuple[object, int]]] = set()
"""Which threads of this process are in a writing transaction, each with its database."""


def in_turn() -> bool:
    """Whether this thread is in a writing transaction: for a second one it would wait for ever."""
    return any(thread == threading.get_native_id() for _, thread in list(_writing))


@contextlib.contextmanager
def alone(place: object) -> Generator[None]:
    """Be the only writing transaction of this thread at a place.

    Raises:
        DatabaseError: there is one already, and this one would wait for it for ever.
    """
    me = (place, threading.get_native_id())  # another one after a fork
    if me in _writing:
        raise DatabaseError(
            "a transaction of this thread is open already",
            hint="Do this after it; inside it, use its connection and the queue's own verbs.",
        )
    _writing.add(me)
    try:
        yield
    finally:
        _writing.discard(me)


class Turnstile:
    """Lets writers in one at a time.

    SQLite's own busy handler starves (guarded by test_writers_take_turns). This is for
    fairness, and keeps checkpoints from meeting commits; SQLite's lock remains the truth.
    So one that has waited long enough goes on without its turn: who holds it may be stopped.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        """`path` is a file of its own beside the database, never the database."""
        self.path = path
        self._patience = patience
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._mutex = threading.RLock()
        self._descriptor: int | None = None
        self._waiter: _Waiter | None = None
        self._opened: set[int] = set()

    def is_taken(self) -> bool:
        """Whether a thread of this process has the turn or waits for it."""
        return any(place == self.path for place, _ in list(_writing))

    @contextlib.contextmanager
    def turn(self) -> Generator[bool]:
        """Wait for the turn and hold it; yields whether it came in time.

        Raises:
            DatabaseError: this thread holds it already, and would wait for itself.
        """
        with alone(self.path), self._held() as in_time:
            yield in_time

    @contextlib.contextmanager
    def _held(self) -> Generator[bool]:
        mutex = self._mutex
        try:
            if not mutex.acquire(timeout=self._patience):
                yield False
                return
            descriptor = self._admitted()
            try:
                yield descriptor is not None
            finally:
                self._leave(descriptor)
        finally:
            # One that was stopped while it waited may have it, and not know
            # (guarded by test_a_thread_that_is_stopped_while_it_waits_lets_the_others_in).
            if mutex._is_owned():  # type: ignore[attr-defined]  # noqa: SLF001
                mutex.release()

    def _admitted(self) -> int | None:
        """The locked descriptor, `None` if the lock does not come in time."""
        if self._descriptor is None:
            self._descriptor = self._open()
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return self._descriptor
        if self._waiter is None or self._waiter.is_over():
            self._waiter = _Waiter(self._open(), self._shut)
            return self._waiter.wait(self._patience)
        return None  # a wait before this one was in vain, and goes on

    def _leave(self, descriptor: int | None) -> None:
        if descriptor not in self._opened:
            return  # it did not come, or belongs to the parent of this process
        if descriptor == self._descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        else:
            self._shut(descriptor)

    def _open(self) -> int:
        flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = open_private(self.path, flags)
        self._opened.add(descriptor)
        return descriptor

    def _shut(self, descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # a child forked right now may keep it open
        self._opened.discard(descriptor)
        os.close(descriptor)

    def close(self) -> None:
        """Let go of the file."""
        with self._mutex:
            if self._descriptor is not None:
                self._shut(self._descriptor)
            self._descriptor = None

    def forget(self) -> None:
        """Start afresh in a forked child, whatever the parent's threads were doing.

        The inherited descriptors are the parent's own lock: kept open here, they would outlive
        a parent that dies in its turn, and shut everybody out
        (guarded by test_a_child_does_not_keep_its_dead_parents_turn).
        """
        _writing.clear()
        for descriptor in self._opened:
            os.close(descriptor)  # and not unlocked: the lock is the parent's
        self._start_afresh()


class _Waiter:
    """A thread that waits for the lock, so that the wait can have an end.

    `flock` knows no time limit, and to try again and again would lose against whoever is in
    the kernel's queue. Only a writer that finds the lock taken pays for the thread.
    """

    def __init__(self, descriptor: int, shut: Callable[[int], None]) -> None:
        """`descriptor` is handed over with the lock; one that nobody waits for is shut."""
        self._descriptor = descriptor
        self._shut = shut
        self._deciding = threading.Lock()
        self._granted = threading.Event()
        self._given_up = False
        self._thread = threading.Thread(target=self._run, name="jobrunner-turnstile", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        with self._deciding:
            if self._given_up:
                self._shut(self._descriptor)
            self._granted.set()

    def wait(self, seconds: float) -> int | None:
        """The locked descriptor, from then on the caller's; `None` if it does not come in time."""
        self._granted.wait(seconds)
        with self._deciding:
            self._given_up = not self._granted.is_set()
            return None if self._given_up else self._descriptor

    def is_over(self) -> bool:
        """Whether the thread waits no more."""
        return not self._thread.is_alive()
