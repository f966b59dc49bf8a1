"""Group commit: what is enqueued while others write shares the next transaction.

A thread of its own writes it, in which nobody raises anything: one that is stopped while it waits
takes nothing from the others.
"""

import _thread
import contextlib
import os
import queue
import threading
import weakref
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from jobrunner.core.errors import CommitUnknownError
from jobrunner.core.new_task import NewTask
from jobrunner.storage.rows import Row

FEW: Final = 100
"""Tasks of a call that shares; for more, one commit is nothing."""

MOST: Final = 1_000
"""Tasks after which a transaction takes no more."""

LINGER: Final = 0.1
"""Seconds for which the thread waits for more before it ends."""

ALONE: Final = 10
"""Transactions of one call each, one after the other, after which it ends at once: it is faster
to write oneself where nobody else does."""

LOOK: Final = 1.0
"""Seconds after which whoever waits looks whether the thread is still there."""


Asked = tuple[Sequence[NewTask[Any]], datetime]
"""What is to be stored, and the moment of it."""

_all: "weakref.WeakSet[Together]" = weakref.WeakSet()


class _Order:
    """What one caller wants to have stored, and what has become of it."""

    __slots__ = ("asked", "error", "is_withdrawn", "rows", "told")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.rows: list[Row] | None = None
        self.error: CommitUnknownError | None = None
        self.is_withdrawn = False
        self.told = threading.Lock()
        self.told.acquire()


class Together:
    """Takes orders from any thread, and stores all that wait in one transaction."""

    def __init__(self, write: Callable[[Callable[[], Asked]], list[Row]]) -> None:
        """`write` stores in a transaction what it is given inside it, and looks if in doubt."""
        self._write = write
        self.start_afresh()
        _all.add(self)

    def start_afresh(self) -> None:
        """Also in a forked child, which has none of its parent's threads."""
        self._line: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._is_called = threading.Lock()
        """Held from the call for a writer to its end; by nobody in particular."""
        self._is_there = False

    @property
    def is_at_work(self) -> bool:
        """Whether others have shared a transaction just now."""
        return self._is_called.locked()

    def store(self, new: Sequence[NewTask[Any]], now: datetime) -> list[Row] | None:
        """Store tasks with those of others; returns the rows after the commit.

        `None` if nothing was stored: somebody's tasks could not be, or the database could not be
        used. By itself each caller finds out for whom that holds.

        Raises:
            CommitUnknownError: it is not known whether they are stored.
        """
        order = _Order((new, now))
        self._line.put(order)
        try:
            self._have_it_written()
            while not order.told.acquire(timeout=LOOK):
                self._have_it_written(in_vain=not self._is_there)
        except BaseException:  # this thread is stopped, and its caller gets no answer
            order.is_withdrawn = True
            raise
        if order.error is not None:
            raise CommitUnknownError(str(order.error), hint=order.error.hint) from order.error
        return order.rows

    def _have_it_written(self, *, in_vain: bool = False) -> None:
        # Without waiting for a lock, one of `Thread.start` neither: whoever is stopped while it
        # holds one would keep all others out. If it is stopped right here, its call is in vain,
        # and another is made; two writers at once do no harm, each takes what waits.
        if self._is_called.acquire(blocking=False) or in_vain:
            _thread.start_new_thread(self._work, ())

    def _work(self) -> None:
        # A stop that is meant for whoever starts this thread may strike its first step: until it
        # runs, Python knows it by its starter's number. Then it was never there.
        while True:
            try:
                self._is_there = True
                self._run()
            finally:  # before the look: whoever comes after it starts another
                self._is_there = False
                with contextlib.suppress(RuntimeError):  # of two, the other has ended already
                    self._is_called.release()
            if self._line.empty() or not self._is_called.acquire(blocking=False):
                return

    def _run(self) -> None:
        """Store what comes, until nothing does or all comes from one caller."""
        alone = 0
        while alone < ALONE:
            try:
                first = self._line.get(timeout=LINGER)
            except queue.Empty:
                return
            alone = 0 if self._write_all(first) else alone + 1

    def _write_all(self, first: _Order) -> bool:
        """Store what waits; whether it came from more than one caller."""
        group: list[_Order] = []

        def taken() -> Asked:
            """Take all that wait, as late as can be: the turn is had, the transaction is open."""
            self._take(first, group)
            return [task for one in group for task in one.asked[0]], max(o.asked[1] for o in group)

        try:
            rows = iter(self._write(taken))
            for order in group:
                order.rows = [next(rows) for _ in order.asked[0]]
        except CommitUnknownError as error:
            for order in group:
                order.error = error
        except Exception:  # noqa: BLE001, S110 — all was taken back: each tries by itself
            pass
        finally:
            for order in group or [first]:
                order.told.release()
        return len(group) > 1

    def _take(self, first: _Order, group: list[_Order]) -> None:
        order, size = first, 0
        with contextlib.suppress(queue.Empty):
            while True:
                if not order.is_withdrawn:
                    group.append(order)
                    size += len(order.asked[0])
                if size >= MOST:
                    return
                order = self._line.get_nowait()


def _forget_all() -> None:
    for together in list(_all):
        together.start_afresh()


os.register_at_fork(after_in_child=_forget_all)
