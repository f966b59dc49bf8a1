"""One attempt's side of what it may ask and say: the way to the database, and what is unsaved."""

import contextlib
from contextvars import ContextVar
from math import inf
from typing import TYPE_CHECKING, Any, Final, Protocol

from jobrunner.core.errors import DatabaseError, JobrunnerError
from jobrunner.core.outcome import Outcome
from jobrunner.core.signals import StopReason
from jobrunner.core.task import Lease
from jobrunner.core.written import Stream
from jobrunner.runtime.around import AttemptInfo
from jobrunner.runtime.clock import Clock
from jobrunner.storage.engine import Database
from jobrunner.storage.turnstile import in_turn

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from jobrunner.runtime.steps import Steps

SAVE_EVERY: Final = 0.5
"""Seconds between two stored reports of an attempt; one that none follows is stored anyway."""


class Link(Protocol):
    """How an attempt reaches the database: directly, or through its worker's pipe."""

    @property
    def task_id(self) -> int:
        """The task."""
        ...

    @property
    def attempt(self) -> int:
        """The number of the attempt."""
        ...

    def save(self, values: dict[str, Any]) -> None:
        """Store progress or a checkpoint, durably. Raises LeaseLostError."""
        ...

    def later(self, values: dict[str, Any]) -> None:
        """Have them stored soon, unless others come first; an engine of a plug-in does not."""
        ...

    def load(self) -> str | None:
        """The last checkpoint, JSON text."""
        ...

    def write(self, stream: Stream, text: str) -> None:
        """Note what the code prints or logs; it never fails, and takes no lock of this process."""
        ...

    def stop_reason(self) -> StopReason | None:
        """Why the attempt is to end, if it is."""
        ...

    @property
    def lease(self) -> Lease:
        """The right that everything is written under."""
        ...

    @property
    def database(self) -> Database:
        """The database itself, which a child process opens when it is first asked for."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock of what is stored."""
        ...

    def began_at(self) -> int:
        """When the attempt began, in microseconds since the epoch."""
        ...

    def shielded(self) -> contextlib.AbstractContextManager[None]:
        """A block that nothing is raised into from outside: a transaction of ours."""
        ...


class Running:
    """One attempt's side of the context: throttles what it reports."""

    __slots__ = (
        "_clock",
        "_saved_at",
        "ended",
        "info",
        "link",
        "loop",
        "steps",
        "troubles",
        "unsaved",
    )

    def __init__(self, link: Link, clock: Clock) -> None:
        """`link` is the way to the database."""
        self.link = link
        self.loop: AbstractEventLoop | None = None
        """The event loop of this attempt alone, where it has one."""
        self.unsaved: dict[str, Any] = {}
        """What was reported and is not stored yet."""
        self.steps: Steps | None = None
        """What it stores in steps and in a transaction of its own, if it does."""
        self.ended: Outcome | None = None
        """How it has ended, if its own transaction has stored that: nothing more is stored."""
        self.info: AttemptInfo | None = None
        """What the application's hooks are told of it, where there are any."""
        self.troubles: list[str] = []
        """What went wrong in hooks, and is no end of the attempt."""
        self._clock = clock
        self._saved_at = -inf

    def report(self, *, soon: bool, **values: Any) -> None:
        """Note values, and store them now if `soon` or if the last time is long enough ago.

        Others are stored with the next report, at the end, or soon where neither comes.

        Raises:
            OpenTransactionError: `soon`, in a transaction of the task's own.
        """
        if self.ended is not None:
            return
        self.unsaved = self.unsaved | values
        now = self._clock.monotonic()
        if in_turn():  # to store them takes a transaction too, and it would wait for this one
            if soon:
                raise OpenTransactionError("a checkpoint cannot be stored inside a transaction")
        elif soon or now - self._saved_at >= SAVE_EVERY:
            self._saved_at = now
            # What is only shown must not fail a task; it is tried again with the next report.
            with contextlib.nullcontext() if soon else contextlib.suppress(DatabaseError):
                self.flush()
            return
        self.link.later(self.unsaved)

    def flush(self) -> None:
        """Store what is not stored yet."""
        values, self.unsaved = self.unsaved, {}
        if not values:
            return
        try:
            self.link.save(values)
        except DatabaseError:
            self.unsaved = values | self.unsaved
            self.link.later(self.unsaved)
            raise


_current: ContextVar[Running] = ContextVar("jobrunner_attempt")


class OpenTransactionError(JobrunnerError):
    """Something that is a write of its own was asked for inside `queue.transaction()`."""

    hint = "Do it after the transaction has ended, or use context.transaction() for a step."


class OutsideTaskError(JobrunnerError):
    """`context` was used outside of a running task."""

    hint = "Use it only in a function while a worker runs it."


def current() -> Running:
    """The attempt of this thread or coroutine.

    Raises:
        OutsideTaskError: there is none.
    """
    try:
        return _current.get()
    except LookupError:
        raise OutsideTaskError("no task is running here") from None


def here() -> Running | None:
    """The same, if there is one. In a thread that runs nothing now, the last that it has run."""
    return _current.get(None)


def enter(running: Running) -> None:
    """Make `running` the attempt of this thread or coroutine."""
    _current.set(running)
