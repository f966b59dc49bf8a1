"""A call of a function as a task that is not stored yet."""

from collections.abc import Callable
from typing import Any, cast

from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.hook import RESERVED
from jobrunner.core.new_task import NewTask
from jobrunner.core.options import TaskOptions, new_task
from jobrunner.core.result import Result
from jobrunner.function import fitted
from jobrunner.futures.functions import Functions
from jobrunner.futures.future import TaskFuture


class Calls:
    """The calls of an executor. A call is made once unless its function, or `options`, say more."""

    def __init__(self, functions: Functions, options: TaskOptions) -> None:
        """`options` hold for all of them, and win over those that a function has.

        Raises:
            InvalidTaskError: one is not right.
        """
        if options.get("queue", "").startswith(RESERVED):
            raise InvalidTaskError(f"queues that begin with {RESERVED} are jobrunner's own")
        keyed = {"unique", "concurrency_key"}  # they may be made of arguments
        plain = {name: value for name, value in options.items() if name not in keyed}
        new_task(cast("TaskOptions", plain), function="any")
        self._functions = functions
        self._options = options

    def of(self, function: Callable[..., Any]) -> Callable[..., NewTask[Any]]:
        """What makes a task of a call of this function.

        Raises:
            InvalidTaskError: it cannot be found again by its name; or, by what is returned: an
                argument or option is not right.
        """
        known, own = self._functions.take(function)
        options = cast("TaskOptions", {"max_attempts": 1, **own, **self._options})

        def call(*args: Any, **kwargs: Any) -> NewTask[Any]:
            positional = [_argument(one) for one in args]
            named = {name: _argument(one) for name, one in kwargs.items()}
            fit = fitted(options, known, positional, named)
            return new_task(fit, function=known.name, args=positional, kwargs=named)

        return call


def _argument(value: Any) -> Any:
    return Result(value.task_id) if isinstance(value, TaskFuture) else value
