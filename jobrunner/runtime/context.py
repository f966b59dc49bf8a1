"""What a running function may ask and say: `from jobrunner import context`."""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from jobrunner.core import payload
from jobrunner.core.errors import DatabaseError, JobrunnerError, PayloadError
from jobrunner.core.signals import Stopped, StopReason
from jobrunner.runtime.around import AttemptInfo
from jobrunner.runtime.clock import Clock
from jobrunner.storage.turnstile import in_turn

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

T = TypeVar("T")

SAVE_EVERY: Final = 0.5
"""Seconds between two stored progress reports of one attempt; the last is always stored."""


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

    def load(self) -> str | None:
        """The last checkpoint, JSON text."""
        ...

    def stop_reason(self) -> StopReason | None:
        """Why the attempt is to end, if it is."""
        ...


class Running:
    """One attempt's side of the context: throttles what it reports."""

    __slots__ = ("_clock", "_saved_at", "info", "link", "loop", "troubles", "unsaved")

    def __init__(self, link: Link, clock: Clock) -> None:
        """`link` is the way to the database."""
        self.link = link
        self.loop: AbstractEventLoop | None = None
        """The event loop of this attempt alone, where it has one."""
        self.unsaved: dict[str, Any] = {}
        """What was reported and is not stored yet."""
        self.info: AttemptInfo | None = None
        """What the application's hooks are told of it, where there are any."""
        self.troubles: list[str] = []
        """What went wrong in hooks, and is no end of the attempt."""
        self._clock = clock
        self._saved_at = -inf

    def report(self, *, soon: bool, **values: Any) -> None:
        """Note values, and store them now if `soon` or if the last time is long enough ago.

        Raises:
            OpenTransactionError: `soon`, in a transaction of the task's own.
        """
        self.unsaved |= values
        now = self._clock.monotonic()
        if in_turn():  # to store them takes a transaction too, and it would wait for this one
            if soon:
                raise OpenTransactionError("a checkpoint cannot be stored inside a transaction")
        elif soon or now - self._saved_at >= SAVE_EVERY:
            self._saved_at = now
            # What is only shown must not fail a task; it is tried again with the next report.
            with contextlib.nullcontext() if soon else contextlib.suppress(DatabaseError):
                self.flush()

    def flush(self) -> None:
        """Store what is not stored yet."""
        values, self.unsaved = self.unsaved, {}
        if not values:
            return
        try:
            self.link.save(values)
        except DatabaseError:
            self.unsaved = values | self.unsaved
            raise


_current: ContextVar[Running] = ContextVar("jobrunner_attempt")


class Context:
    """The attempt that is running here. Outside of a task every use is an error."""

    @property
    def task_id(self) -> int:
        """The id of the task. With `attempt`, a key that makes outside effects idempotent."""
        return _running().link.task_id

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return _running().link.attempt

    @property
    def stopping(self) -> bool:
        """Whether the attempt is to end soon: its timeout, a cancel, or a shutdown."""
        return _running().link.stop_reason() is not None

    def check(self) -> None:
        """End the attempt here if it is to end.

        Raises:
            Stopped: it is; do not catch it. On a shutdown the attempt is not spent.
        """
        reason = _running().link.stop_reason()
        if reason is not None:
            raise Stopped(reason)

    def progress(self, done: float, total: float | None = None, note: str | None = None) -> None:
        """Show how far the task is. Cheap: at most two reports a second are stored.

        A `total` that is not finite counts as unknown.

        Raises:
            PayloadError: `done` is no finite number, or `note` no text.
        """
        if not isfinite(done):
            raise PayloadError(f"progress must be a finite number, not {done}", field="done")
        if total is not None and not isfinite(total):
            total = None
        if note is not None:
            payload.check_text(note, what="note")
        # No -0.0, of which SQLite makes 0.0: rows are the same in both databases.
        values = {
            "done": float(done) + 0.0,
            "total": total if total is None else float(total) + 0.0,
        }
        _running().report(soon=False, **values, note=note)

    def checkpoint(self, value: Any) -> None:
        """Store a JSON value, durable on return, that an interrupted attempt goes on from.

        Raises:
            PayloadError: it is not JSON.
            LeaseLostError: another worker has the task by now.
        """
        _running().report(soon=True, checkpoint=payload.encode(value, what="checkpoint"))

    def last_checkpoint(self, default: Any = None) -> Any:
        """The last stored checkpoint of this task, of this or of an earlier attempt."""
        text = _running().link.load()
        return default if text is None else payload.decode(text)

    def resume(self, items: Sequence[T]) -> Iterator[T]:
        """Go through `items`, after an interruption from where the last attempt stood.

        Shows progress, stores the position twice a second and when the attempt ends, and ends
        the attempt between two items on a shutdown. Items must come in the same order every
        time. An item counts as done when the loop asks for the next; the one that was being
        worked on is worked on again. The position is stored as the task's checkpoint.
        """
        running = _running()
        start = self.last_checkpoint(0)
        if not isinstance(start, int) or isinstance(start, bool) or start < 0:
            raise ResumeError(start)
        for number, item in enumerate(itertools.islice(items, start, None), start):
            self.check()
            yield item
            done = number + 1
            running.report(soon=False, done=done, total=len(items), checkpoint=str(done))


class ResumeError(JobrunnerError):
    """`resume` and `checkpoint` were both used by one task: they share one slot."""

    hint = "Use either context.resume or context.checkpoint in one function."

    def __init__(self, found: Any) -> None:
        """`found` is the checkpoint that is no position."""
        super().__init__(f"the checkpoint {found!r} is not a position that resume has stored")


class OpenTransactionError(JobrunnerError):
    """`context.checkpoint` was used inside `queue.transaction()`: it is a write of its own."""

    hint = "Call context.checkpoint after the transaction has ended."


class OutsideTaskError(JobrunnerError):
    """`context` was used outside of a running task."""

    hint = "Use it only in a function while a worker runs it."


def _running() -> Running:
    try:
        return _current.get()
    except LookupError:
        raise OutsideTaskError("no task is running here") from None


def enter(running: Running) -> None:
    """Make `running` the attempt of this thread or coroutine."""
    _current.set(running)


context: Final = Context()
