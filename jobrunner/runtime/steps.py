"""Steps of a task, each run once whatever becomes of its attempts."""

import contextlib
import inspect
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from jobrunner.core import payload
from jobrunner.core.control_errors import StepError
from jobrunner.core.errors import DatabaseError, LeaseLostError, PayloadError
from jobrunner.core.outcome import Stored
from jobrunner.core.sent import check_name
from jobrunner.core.task import WorkerId
from jobrunner.runtime.running import OpenTransactionError, Running
from jobrunner.storage import steps, waits
from jobrunner.storage.turnstile import in_turn

if TYPE_CHECKING:
    from sqlalchemy import Connection

EVENT: Final = "event:"
"""What the step begins with that keeps an event; no other may."""


@dataclass(slots=True)
class Block:
    """The transaction that an attempt has open, in which its lease is proved."""

    connection: "Connection"
    holder: WorkerId
    names: set[str] = field(default_factory=set[str])
    """The steps that are stored in it."""
    completed: Stored | None = None
    """How it has settled the task."""


class Steps:
    """What one attempt stores under its lease beside its end."""

    def __init__(self, running: Running) -> None:
        """Nothing is read or opened before it is asked for."""
        self.running = running
        self.link = running.link
        self.block: Block | None = None
        self.owed: dict[str, str] = {}
        """Steps that are stored with the next one, and not at all if there is none."""
        self._done: set[str] | None = None  # by whatever attempt
        self._used: set[str] = set()

    def run(self, name: str, call: Callable[[], Any]) -> Any:
        """The result of a step: the stored one, or that of `call`, which is stored then."""
        with self._taken(name):
            if self.is_done(name):
                return payload.decode(self.result(name))
            value = call()
            if inspect.isawaitable(value):
                if inspect.iscoroutine(value):
                    value.close()
                raise StepError(
                    f"the step {name!r} gave something to await",
                    hint="Give context.step the async function itself, and await that.",
                )
            return self._keep(name, value)

    async def run_async(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """The same for a coroutine function."""
        with self._taken(name):
            if self.is_done(name):
                return payload.decode(self.result(name))
            return self._keep(name, await call())

    @contextlib.contextmanager
    def _taken(self, name: str) -> Generator[None]:
        """Keep a name to one use in this attempt, unless that comes to nothing."""
        if check_name(name, what="step").startswith(EVENT):
            raise StepError(f"no step may be named {name!r}", hint=f"{EVENT}… is kept for events.")
        if name in self._used:
            raise StepError(
                f"two steps of this task are named {name!r}",
                hint="Name them apart: in a loop, by what each is for.",
            )
        self.refuse("a step cannot be stored")
        self._used.add(name)
        try:
            yield
        except BaseException:
            self._used.discard(name)
            raise

    def refuse(self, what: str) -> None:
        """Refuse what cannot be stored now.

        Raises:
            StepError: the task has completed in a transaction of its own.
            OpenTransactionError: a transaction is open that is not the attempt's own.
        """
        if self.running.ended is not None or (self.block and self.block.completed):
            raise StepError(f"{what}: the task has completed", hint="Complete it last.")
        if self.block is None and in_turn():
            raise OpenTransactionError(f"{what} inside a transaction")

    def is_done(self, name: str) -> bool:
        """Whether a step is stored, by whatever attempt."""
        if self._done is None:
            with self._reading() as transaction:
                self._done = steps.names(transaction, self.link.lease.task_id)
        return name in self._done or (self.block is not None and name in self.block.names)

    def result(self, name: str) -> str | None:
        """The result of a step that is stored, JSON text."""
        with self._reading() as transaction:
            return steps.result(transaction, self.link.lease.task_id, name)

    def _keep(self, name: str, value: Any) -> Any:
        """Store a result; gives what a later attempt will get."""
        try:
            text = None if value is None else payload.encode(value, what="result")
        except PayloadError as error:  # it is not run again: it has done what it does
            problem = f"of the step {name!r}: {error}"
            raise PayloadError(problem, field="result", hint=error.hint) from error
        self.keep({name: text})
        return payload.decode(text)

    def keep(self, results: Mapping[str, str | None]) -> None:
        """Store steps, with those that are owed; in the attempt's own transaction, if it is open.

        Raises:
            LeaseLostError: another worker has the task by now; nothing was stored.
        """
        rows = {**self.owed, **results}
        try:
            self._store(rows)
        except DatabaseError as error:
            self._done = None  # a COMMIT that raised may have worked
            if self.block is not None or not self.link.database.reserve.spend_on(error):
                raise
            self._store(rows)
        self.owed = {}
        if self.block is not None:
            self.block.names.update(rows)
        elif self._done is not None:
            self._done.update(rows)

    def _store(self, rows: Mapping[str, str | None]) -> None:
        lease, events = self.link.lease, [name for name in rows if name.startswith(EVENT)]
        with self.opened() as transaction:
            now = self.link.clock.now()
            if not steps.keep(transaction, lease.task_id, lease.token, results=rows, now=now):
                raise LeaseLostError(lease.task_id)
            if events:
                had = [name.removeprefix(EVENT) for name in events]
                waits.stop_waiting(transaction, lease.task_id, had)

    def leave(self, block: Block, *, committed: bool) -> None:
        """The attempt's own transaction has ended."""
        self.block = None
        if not committed:
            self._used -= block.names
            self._done = None  # a COMMIT that raised may have worked
        elif self._done is not None:
            self._done |= block.names

    @contextlib.contextmanager
    def opened(self) -> "Generator[Connection]":
        """The attempt's own transaction if it is open, or one for this alone."""
        if self.block is not None:
            yield self.block.connection
            return
        with self.link.shielded(), self.link.database.writing() as transaction:
            yield transaction

    @contextlib.contextmanager
    def _reading(self) -> "Generator[Connection]":
        if self.block is not None:
            yield self.block.connection
            return
        with self.link.shielded(), self.link.database.reading() as transaction:
            yield transaction


def steps_of(running: Running) -> Steps:
    """The durable side of an attempt, made when it is first asked for."""
    if running.steps is None:
        running.steps = Steps(running)
    return running.steps
