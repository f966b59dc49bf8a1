"""A future of the standard library that stands for a stored task."""

import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import BrokenExecutor, Future
from typing import Any, Final, TypeVar

from jobrunner.core.errors import JobrunnerError, TaskFailedError
from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskId
from jobrunner.core.verdict import CANCEL_REASON
from jobrunner.futures.raised import rebuilt
from jobrunner.runtime.perform import one_line

R = TypeVar("R")

Cancel = Callable[[Sequence["TaskFuture[Any]"]], Collection[TaskId]]
"""Cancels the tasks of some futures, as far as they have not begun, and these futures with them;
returns which tasks."""


class DetachedError(JobrunnerError, BrokenExecutor):
    """The program does not wait for a task any more, which stays stored and may run later."""

    def __init__(self, task_id: int, reason: str) -> None:
        """`reason` completes the sentence "because …"."""
        super().__init__(f"nobody waits for task {task_id} here any more, because {reason}")
        self.task_id = task_id
        self.hint = f"It is stored: attach({task_id}) of another executor waits for it again."


class TaskFuture(Future[R]):
    """What a task will have returned. It is `running` from its first attempt on.

    Its states change once each, by whoever is first: the code that begins, a cancel, the end.
    """

    def __init__(self, task_id: TaskId, cancel: Cancel) -> None:
        """`cancel` is asked to cancel the task."""
        super().__init__()
        self.task_id: Final = task_id
        """With it, `executor.attach` makes another future, in this program or a later one."""
        self.raised: BaseException | None = None
        """What its last attempt raised, if that was in this process."""
        self._ask_to_cancel = cancel
        self._turn = threading.Lock()
        self._is_over = False

    def cancel(self) -> bool:
        """Cancel the task if it has not begun. `False` says that it has, or is over."""
        if self.done() or self.running():
            return self.cancelled()
        return self.task_id in self._ask_to_cancel([self])

    def begin(self) -> None:
        """Its code runs: from now on it is not cancelled."""
        with self._turn:
            if not self._is_over and not self.running():
                self.set_running_or_notify_cancel()

    def end(self, task: Task[Any]) -> None:
        """The task has ended, as it is told by what is stored."""
        if task.status is Status.COMPLETED:
            if self._take():
                self.set_result(task.returned)
        elif task.status is Status.CANCELLED and not self.running():
            self.end_cancelled()
        else:
            self.fail(self._error(task))

    def end_cancelled(self) -> None:
        """The task was cancelled before it began, or between two attempts."""
        if self._take():
            if super().cancel():
                self.set_running_or_notify_cancel()  # tells those in `wait` and `as_completed`
            else:
                self.set_exception(TaskFailedError(self.task_id, Status.CANCELLED, CANCEL_REASON))

    def fail(self, error: BaseException) -> None:
        """End with an error."""
        if self._take():
            self.set_exception(error)

    def _take(self) -> bool:
        """Whether to bring it to its end; told to one only. Callbacks run outside of the lock."""
        with self._turn:
            is_mine = not self._is_over
            self._is_over = True
        return is_mine

    def _error(self, task: Task[Any]) -> BaseException:
        """What the function raised, if that was here and in its last attempt."""
        if self.raised is not None and one_line(self.raised) == task.error:
            return self.raised
        failed = TaskFailedError(task.id, task.status, task.error)
        return failed if task.status is Status.CANCELLED else rebuilt(failed)
