"""An attempt's own transaction: user's rows, steps, new tasks and the end, all or nothing."""

import contextlib
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from jobrunner.core import payload
from jobrunner.core.control_errors import StepError
from jobrunner.core.errors import LeaseLostError
from jobrunner.core.outcome import Completed, Ended, Stored
from jobrunner.runtime.identity import backoff
from jobrunner.runtime.steps import Block, Steps
from jobrunner.storage import joint, output, progress
from jobrunner.storage.settle import settle
from jobrunner.storage.steps import hold
from jobrunner.storage.types import micros

if TYPE_CHECKING:
    from sqlalchemy import Connection


@contextlib.contextmanager
def transaction(steps: Steps) -> "Generator[Connection]":
    """Open it, with the lease proved; one inside another is part of it.

    Whoever takes the task away waits for its end on a server, and for his turn in a file. So what
    it commits is committed once, whatever becomes of the attempt.

    Raises:
        LeaseLostError: another worker has the task by now; nothing is stored.
        OpenTransactionError: this thread is in another transaction already.
        StepError: the task has completed.
    """
    if steps.block is not None:
        yield steps.block.connection
        return
    steps.refuse("a transaction of the task's own cannot begin")
    link, committed = steps.link, False
    with contextlib.ExitStack() as stack:
        with link.shielded():
            connection = stack.enter_context(link.database.writing())
            holder = hold(connection, link.lease.task_id, link.lease.token)
            if holder is None:
                raise LeaseLostError(link.lease.task_id)
            stack.enter_context(joint.joined(link.database.location, connection))
        steps.block = block = Block(connection, holder)
        try:
            yield connection
            with link.shielded():
                stack.close()
                committed = True
                steps.running.ended = block.completed
        finally:
            steps.leave(block, committed=committed)


def complete(steps: Steps, result: Any) -> None:
    """Settle the task as completed, in its own transaction.

    Raises:
        PayloadError: the result is not JSON.
        StepError: there is no such transaction, or the task has completed.
        LeaseLostError: another worker has the task by now.
    """
    block, lease = steps.block, steps.link.lease
    if block is None:
        raise StepError(
            "a task completes itself only in a transaction of its own",
            hint="Write: with context.transaction(): … context.complete(result).",
        )
    steps.refuse("it cannot complete again")
    text = None if result is None else payload.encode(result, what="result")
    now, unsaved = steps.link.clock.now(), steps.running.unsaved
    if unsaved:
        progress.save(block.connection, lease.task_id, lease.token, now=now, **unsaved)
    began_at = steps.link.began_at()
    ended = Ended(lease, Completed(text), began_at, max(began_at, micros(now)))
    settlement = settle(block.connection, [ended], worker_id=block.holder, now=now, backoff=backoff)
    if settlement.refused:
        raise LeaseLostError(lease.task_id)
    output.forget(block.connection, [lease.task_id])  # all of it is told when the function returns
    block.completed = Stored(text)
