"""A worker that stands in for the real ones: it runs tasks in the thread that asks for it."""

import asyncio
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import Final, NamedTuple, Self

from jobrunner.core.errors import TaskFailedError, UnknownFunctionError
from jobrunner.core.events import WorkerTrouble
from jobrunner.core.outcome import Completed, Ended, Failed, Outcome
from jobrunner.core.signals import Retry, Stopped, Waits
from jobrunner.core.status import Status
from jobrunner.core.task import Lease
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.runtime import builtin
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.executors.base import Uncontrolled
from jobrunner.runtime.executors.command import CommandExecutor
from jobrunner.runtime.executors.handed import refusal
from jobrunner.runtime.executors.thread import DatabaseLink
from jobrunner.runtime.guard import Guard
from jobrunner.runtime.identity import backoff, boot_id, host, new_worker_id
from jobrunner.runtime.listeners import name
from jobrunner.runtime.liveness import Liveness
from jobrunner.runtime.narrate import Narrator
from jobrunner.runtime.options import Executor
from jobrunner.runtime.perform import perform
from jobrunner.runtime.recall import through
from jobrunner.runtime.registry import Function
from jobrunner.runtime.running import Running
from jobrunner.runtime.settler import Settler, Want
from jobrunner.storage import sweep, workers
from jobrunner.task_queue import TaskQueue

_ONE: Final = (Want((), 1),)

_OF_THE_TASK: Final = (Exception, Stopped, Waits, SystemExit, GeneratorExit, asyncio.CancelledError)
"""What user code may raise as the end of its attempt. Anything else, as Ctrl-C, means the test."""


class Ran(NamedTuple):
    """An attempt that was run and settled. `error` is what its code raised, if that failed it."""

    ended: Ended
    error: BaseException | None


class StandIn:
    """One worker's row, lock and leases, without its threads: nothing moves by itself.

    What it claims it settles as every worker does, and what it was interrupted in it gives back.
    """

    def __init__(self, queue: TaskQueue) -> None:
        """Nothing is written before it is entered."""
        self.id = new_worker_id()
        self._queue = queue
        self._database = queue.database
        self._clock = queue.clock
        self._liveness = Liveness(self._database.lock_folder)
        self._guard = Guard()

    def __enter__(self) -> Self:
        """Join the others. It holds a lock, so that they notice at once if this process dies."""
        now = self._clock.now()
        info = WorkerInfo(
            id=self.id,
            host=host(),
            boot_id=boot_id(),
            pid=os.getpid(),
            executor=Executor.THREAD,
            concurrency=1,
            queues=(),
            status=WorkerStatus.RUNNING,
            beat=0,
            started_at=now,
            seen_at=now,
            stopped_at=None,
            error=None,
        )
        self._liveness.hold(self.id)
        try:
            with self._database.writing() as transaction:
                workers.register(transaction, info)
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give back what was interrupted, and leave."""
        self._guard.close()
        try:
            now = self._clock.now()
            with self._database.writing() as transaction:
                sweep.give_back(transaction, self.id, now=now, backoff=backoff)
                workers.set_stopped(transaction, self.id, now=now)
        finally:
            self._release()

    def _release(self) -> None:
        self._liveness.release(self.id)

    def attempts(self) -> Iterator[Ran]:
        """Claim, run and settle one task after the other until none is pending.

        Raises:
            DatabaseError: the database cannot be used, or this thread is in a transaction.
        """
        settler = Settler(self._database, self.id, self._clock)
        narrator = Narrator(self._queue, lambda: self.id)
        while (turn := settler.turn((), _ONE)).leases:
            narrator.tell(turn)
            for lease in turn.leases:
                ran = self._run(lease)
                narrator.tell(settler.turn((ran.ended,), ()))
                yield ran

    def _run(self, lease: Lease) -> Ran:
        ends: list[Ended] = []
        attempt = Attempt(lease, clock=self._clock, on_end=lambda _, ended: ends.append(ended))
        error = None
        if (refused := refusal(lease)) is not None:
            attempt.begin(Uncontrolled())
            attempt.end(refused)
        elif lease.function is None:
            CommandExecutor(self._guard, self._database)(attempt)
        else:
            error = self._call(attempt, lease.function)
        (ended,) = ends
        if not isinstance(ended.outcome, Failed) or isinstance(error, Retry):
            return Ran(ended, None)
        if error is None:
            error = TaskFailedError(lease.task_id, Status.FAILED, ended.outcome.error)
        error.add_note(f"in task {lease.task_id}, {name(lease)}, attempt {lease.attempt}")
        return Ran(ended, error)

    def _call(self, attempt: Attempt, wanted: str) -> BaseException | None:
        lease = attempt.lease
        attempt.begin(Uncontrolled())
        try:
            function = builtin.find(wanted, self._database, self._clock)
            function = function or self._queue.registry.get(wanted)
        except UnknownFunctionError as error:
            attempt.end(Failed(f"{error}. {error.hint}", retryable=False))
            return error
        link = DatabaseLink(attempt, self._database, self._clock)
        running = _Watched(link, self._clock)
        run = partial(_perform, function, lease, running)
        if lease.extras is None:
            outcome = run()
        else:
            outcome = through(lease, function, self._database, run, shielded=link.shielded)
        for problem in running.troubles:
            self._queue.emit(WorkerTrouble(self.id, problem))
        raised = None if isinstance(outcome, Completed) else running.raised
        if raised is not None and not isinstance(raised, _OF_THE_TASK):
            raise raised
        attempt.end(outcome)
        return raised


class _Watched(Running):
    """Keeps what the code raised, which an outcome only tells in words."""

    raised: BaseException | None = None

    def flush(self) -> None:
        # The last that is asked of an attempt, while what it raised is being handled.
        self.raised = sys.exception()
        super().flush()


def _perform(function: Function, lease: Lease, running: Running) -> Outcome:
    """Run a function in a context of its own, so that nothing of the attempt stays behind."""
    work = partial(
        copy_context().run, partial(perform, function, lease.args, lease.kwargs, running)
    )
    if not (function.is_async and _in_a_loop()):
        return work()
    with ThreadPoolExecutor(1, "jobrunner-stand-in") as elsewhere:  # a thread has one loop at most
        return elsewhere.submit(work).result()


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
