"""What a running function may ask and say: `from jobrunner import context`."""

import contextlib
import itertools
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import timedelta
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar, overload

from jobrunner.core import fields, payload
from jobrunner.core.control_errors import StepError
from jobrunner.core.errors import JobrunnerError, PayloadError
from jobrunner.core.signals import Stopped
from jobrunner.runtime import awaited, block
from jobrunner.runtime.registry import is_coroutine_function
from jobrunner.runtime.running import current
from jobrunner.runtime.steps import steps_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

P = ParamSpec("P")
T = TypeVar("T")


class Context:
    """The attempt that is running here. Outside of a task every use is an error."""

    @property
    def task_id(self) -> int:
        """The id of the task. With `attempt`, a key that makes outside effects idempotent."""
        return current().link.task_id

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return current().link.attempt

    @property
    def stopping(self) -> bool:
        """Whether the attempt is to end soon: its timeout, a cancel, or a shutdown."""
        return current().link.stop_reason() is not None

    def check(self) -> None:
        """End the attempt here if it is to end.

        Raises:
            Stopped: it is; do not catch it. On a shutdown the attempt is not spent.
        """
        reason = current().link.stop_reason()
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
        current().report(soon=False, **values, note=note)

    def checkpoint(self, value: Any) -> None:
        """Store a JSON value, durable on return, that an interrupted attempt goes on from.

        Raises:
            PayloadError: it is not JSON.
            LeaseLostError: another worker has the task by now.
        """
        current().report(soon=True, checkpoint=payload.encode(value, what="checkpoint"))

    def last_checkpoint(self, default: Any = None) -> Any:
        """The last stored checkpoint of this task, of this or of an earlier attempt."""
        text = current().link.load()
        return default if text is None else payload.decode(text)

    def resume(self, items: Sequence[T]) -> Iterator[T]:
        """Go through `items`, after an interruption from where the last attempt stood.

        Shows progress, stores the position twice a second and when the attempt ends, and ends
        the attempt between two items on a shutdown. Items must come in the same order every
        time. An item counts as done when the loop asks for the next; the one that was being
        worked on is worked on again. The position is stored as the task's checkpoint.
        """
        running = current()
        start = self.last_checkpoint(0)
        if not isinstance(start, int) or isinstance(start, bool) or start < 0:
            raise ResumeError(start)
        for number, item in enumerate(itertools.islice(items, start, None), start):
            self.check()
            yield item
            done = number + 1
            running.report(soon=False, done=done, total=len(items), checkpoint=str(done))

    @overload
    def step(
        self,
        name: str,
        function: Callable[P, Coroutine[Any, Any, T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Coroutine[Any, Any, T]: ...
    @overload
    def step(
        self, name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    def step(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run a function once for the task: its JSON result is stored, and later attempts get it.

        `name` tells the steps of a task apart. Of an `async def`, it gives something to await. In
        `context.transaction()` the result is stored with what else is written there.

        Raises:
            StepError: another step has this name, or the task has completed.
            PayloadError: the result is not JSON.
            LeaseLostError: another worker has the task by now; the result was not stored.
            OpenTransactionError: inside `queue.transaction()`; nothing was run.
        """
        steps, call = steps_of(current()), partial(function, *args, **kwargs)
        return (steps.run_async if is_coroutine_function(function) else steps.run)(name, call)

    def transaction(self) -> "contextlib.AbstractContextManager[Connection]":
        """One transaction for your own SQL, steps and new tasks: all of it once, or nothing.

        Yields an SQLAlchemy connection to the database of the tasks. It begins with a proof that
        the task is still this attempt's, and nobody can take it away before it ends. Keep it
        short, and let a coroutine await nothing in it: on SQLite nobody else writes meanwhile.

        Raises:
            LeaseLostError: another worker has the task by now; nothing was stored.
            OpenTransactionError: inside `queue.transaction()`.
        """
        return block.transaction(steps_of(current()))

    def transact(
        self,
        name: str,
        function: "Callable[Concatenate[Connection, P], T]",
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function(connection, …)` once for the task: its rows and its result are one commit.

        Raises:
            StepError: another step has this name, or it is an `async def`.
            PayloadError: the result is not JSON; its rows were not stored.
            LeaseLostError: another worker has the task by now; nothing was stored.
            OpenTransactionError: inside `queue.transaction()`.
        """
        if is_coroutine_function(function):
            raise StepError(f"the step {name!r} must be a plain function: it is a transaction")
        steps = steps_of(current())
        if steps.is_done(name):
            done: T = steps.run(name, lambda: None)  # not called
            return done
        with block.transaction(steps) as connection:
            made: T = steps.run(name, partial(function, connection, *args, **kwargs))
            return made

    def complete(self, result: Any = None) -> None:
        """Complete the task in `context.transaction()`: its rows and its end are one commit.

        What the function does or returns after that changes nothing: let it return.

        Raises:
            StepError: there is no such transaction, or the task has completed.
            PayloadError: the result is not JSON.
        """
        block.complete(steps_of(current()), result)

    def wait_for(self, event: str, timeout: timedelta | float | None = None) -> Any:
        """The payload of an event that is sent to this task, or to all, before or after this call.

        Where it is not there yet, the attempt ends here and occupies no worker; once it is sent,
        the task starts from its beginning, with what it has done in steps skipped. `timeout` is a
        timedelta or seconds, from the first time the task asked.

        Raises:
            EventTimeoutError: it was not sent in time. Not caught, it fails the task.
            OpenTransactionError: inside a transaction.
            InvalidTaskError: the name or the timeout is not right.
        """
        return awaited.wait_for(steps_of(current()), event, fields.as_span("timeout", timeout))


class ResumeError(JobrunnerError):
    """`resume` and `checkpoint` were both used by one task: they share one slot."""

    hint = "Use either context.resume or context.checkpoint in one function."

    def __init__(self, found: Any) -> None:
        """`found` is the checkpoint that is no position."""
        super().__init__(f"the checkpoint {found!r} is not a position that resume has stored")


context: Final = Context()
