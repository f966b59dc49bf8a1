"""An Executor of the standard library: what is submitted is stored, and outlives the program."""

from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from itertools import islice
from types import TracebackType
from typing import Any, Final, ParamSpec, TypeVar, overload

from jobrunner.core.errors import InvalidTaskError, UnknownFunctionError
from jobrunner.core.events import WorkerTrouble
from jobrunner.core.new_task import NewTask
from jobrunner.core.options import TaskOptions
from jobrunner.core.task import Task, TaskId, WorkerId
from jobrunner.futures.calls import Calls
from jobrunner.futures.following import Home
from jobrunner.futures.functions import Functions
from jobrunner.futures.future import TaskFuture
from jobrunner.futures.life import Life
from jobrunner.futures.open_futures import OpenFutures
from jobrunner.futures.results import in_order
from jobrunner.runtime.options import WorkerOptions
from jobrunner.storage.futures import cancel_unbegun

P = ParamSpec("P")
R = TypeVar("R")

LINE: Final = "executor"
"""The queue that an executor's own workers serve, unless another is named."""

AT_ONCE: Final = 1_000
"""Calls that `map` stores in one transaction."""

CANCELLED_AT_ONCE: Final = 100
"""Tasks of one transaction that cancels."""


class TaskExecutor(Executor):
    """Stores each call as a task, and gives a future of it; made by `queue.executor()`.

    Its own workers are threads of this program, from the first call on. What has not ended when
    the program does stays stored, and runs when workers serve its queue again.
    """

    def __init__(
        self,
        queue: Home,
        workers: int | None,
        *,
        executor: str,
        functions: Iterable[Callable[..., Any]],
        allow: Iterable[str],
        options: TaskOptions,
    ) -> None:
        """See `queue.executor`."""
        count = WorkerOptions.of(executor=executor).slots if workers is None else workers
        self._line = options.get("queue", LINE) if count else None
        if self._line is not None:
            options = {**options, "queue": self._line}
        self._queue = queue
        self._futures = OpenFutures(self._cancel)
        self._functions = Functions(queue.registry, self._futures, allow, self._tell)
        for function in functions:
            self._functions.take(function)
        self._calls = Calls(self._functions, options)
        own = None
        if self._line is not None:
            # No task is claimed ahead of a queue with a limit: what waits can be cancelled.
            limits = {self._line: count}
            own = WorkerOptions.of(executor=executor, concurrency=count, queues=limits)
        self._life = Life(queue, self._futures, self._functions, own)

    @overload
    def submit(
        self, fn: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> TaskFuture[R]: ...
    @overload
    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> TaskFuture[R]: ...
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> TaskFuture[Any]:
        """Store a call; once this returns, it survives a crash.

        Arguments and what it returns are JSON. A future among the arguments stands for what it
        will have returned. Of an `async def`, the future has what it returns.

        Raises:
            RuntimeError: the executor was shut down.
            InvalidTaskError: the function cannot be found again by its name, an argument is not
                JSON, or this is inside `queue.transaction()`; nothing was stored.
        """
        with self._futures.storing():
            return self._store([self._calls.of(fn)(*args, **kwargs)])[0]

    def map(
        self,
        fn: Callable[..., R],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = AT_ONCE,
        buffersize: int | None = None,
    ) -> Iterator[R]:
        """Store a call for each of the arguments at once; their results, in the order of these.

        So many of a `chunksize` are stored in one transaction. At most `buffersize` are stored
        ahead of what was taken of the results. Calls that are left when the iterator ends, by an
        error, are cancelled if they have not begun.

        Raises:
            RuntimeError: the executor was shut down.
            InvalidTaskError: as for `submit`.
            TimeoutError: by the iterator: a result was not there so many seconds after this call.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        clock, calls = self._queue.clock, zip(*iterables, strict=False)
        until = None if timeout is None else clock.monotonic() + timeout
        futures: deque[TaskFuture[R]] = deque()

        def store(at_most: int | None) -> None:
            with self._futures.storing():
                call, wanted = self._calls.of(fn), islice(calls, at_most)
                while new := [call(*args) for args in islice(wanted, chunksize)]:
                    futures.extend(self._store(new))

        def more() -> None:
            if buffersize is not None:
                store(1)

        def left() -> float | None:
            return None if until is None else until - clock.monotonic()

        store(buffersize)
        return in_order(futures, left=left, more=more, cancel=self._cancel)

    def attach(self, task: Task[R] | int) -> TaskFuture[R]:
        """A future of a task that is stored, such as one of an earlier run of this program.

        Raises:
            RuntimeError: the executor was shut down.
            TaskNotFoundError: there is no such task.
            UnknownFunctionError: this executor's workers are to run it, and do not know it.
        """
        with self._futures.storing():
            following = self._life.begun()
            found = self._queue.get(task.id if isinstance(task, Task) else task)
            if found.status.is_final:
                future: TaskFuture[Any] = TaskFuture(found.id, self._cancel)
                future.end(found)
                return future
            if found.queue == self._line and found.function is not None:
                self._require(found.function)
            future = self._futures.add(found.id)
            following.poke()
            return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 — as the standard library has it
        """Take no more calls; the workers end once all futures have, and `wait` waits for that.

        `cancel_futures` cancels what has not begun.
        """
        self._life.close()
        if cancel_futures:
            self._cancel(self._futures.all())
        self._life.finish(wait=wait)

    def detach(self) -> None:
        """Let go: what runs is given its grace, and what has not ended stays stored.

        Futures that are open then end with a `DetachedError`. A second time, for an end at once.
        """
        self._life.detach()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for all futures; after Ctrl-C for none, as what they stand for is not lost."""
        if kind is None or issubclass(kind, Exception):
            self.shutdown()
        else:
            self.detach()

    def _store(self, new: Sequence[NewTask[Any]]) -> "list[TaskFuture[Any]]":
        following = self._life.begun()
        if self._queue.store.is_joined:
            raise InvalidTaskError(
                "a call cannot be submitted in a transaction, which may be taken back",
                hint="Enqueue a task in it, and attach that one afterwards.",
            )
        rows = self._queue.store.enqueue(new, now=self._queue.clock.now())
        futures = [self._futures.add(row["id"]) for row in rows]
        following.poke()
        return futures

    def _cancel(self, futures: Sequence[TaskFuture[Any]]) -> set[TaskId]:
        waiting = {one.task_id: one for one in futures if not (one.done() or one.running())}
        ids, cancelled = list(waiting), set[TaskId]()
        for at in range(0, len(ids), CANCELLED_AT_ONCE):
            some = ids[at : at + CANCELLED_AT_ONCE]
            now = self._queue.clock.now()
            cancelled.update(self._queue.store.write(cancel_unbegun, some, now=now))
        for task_id in cancelled:
            self._futures.drop(task_id)
            waiting[task_id].end_cancelled()
        return cancelled

    def _require(self, function: str) -> None:
        try:
            self._functions.find(function)
        except UnknownFunctionError as error:
            error.hint = "Pass it as one of functions=[…], or its module as one of allow=[…]."
            raise

    def _tell(self, problem: str) -> None:
        self._queue.emit(WorkerTrouble(WorkerId("executor"), problem))
