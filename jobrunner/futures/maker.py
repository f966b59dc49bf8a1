"""`queue.executor()`, the part of a queue that makes executors."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Unpack

from jobrunner.core.options import TaskOptions

if TYPE_CHECKING:
    from jobrunner.futures.executor import TaskExecutor
    from jobrunner.futures.following import Home


class MakesExecutors:
    """The part of a queue that makes executors."""

    def executor(
        self: "Home",
        workers: int | None = None,
        *,
        executor: str = "thread",
        functions: Iterable[Callable[..., Any]] = (),
        allow: Iterable[str] = (),
        **options: Unpack[TaskOptions],
    ) -> "TaskExecutor":
        """An Executor of the standard library whose calls are stored tasks.

        So many `workers` of its own run them, in threads of this program or as `executor` says,
        as many as CPUs unless given; they serve the queue that `options` name, `executor` unless
        one is named. With `workers=0` it only stores, for workers elsewhere. They know the
        functions that are registered, those submitted here, those among `functions`, and what
        the modules and packages of `allow` define. `options` are those of the tasks; a call is
        made once unless its function or `max_attempts` says more.

        Raises:
            ConfigurationError: the number of workers, or where they are to run, has no meaning.
            InvalidTaskError: an option or a function is not right.
        """
        from jobrunner.futures.executor import TaskExecutor  # noqa: PLC0415 — few need workers

        return TaskExecutor(
            self, workers, executor=executor, functions=functions, allow=allow, options=options
        )
