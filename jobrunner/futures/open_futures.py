"""The futures of an executor that have not ended, and what their tasks say as they run here."""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Generator
from typing import Any, Final

from jobrunner.core.task import TaskId
from jobrunner.futures.future import Cancel, TaskFuture

EARLY: Final = 256
"""Tasks that may run here before whoever stored them has learnt their ids."""


class OpenFutures:
    """One future a task. Safe in any number of threads."""

    def __init__(self, cancel: Cancel) -> None:
        """`cancel` is what a future cancels its task with."""
        self._cancel = cancel
        self._lock = threading.Lock()
        self._open: dict[TaskId, TaskFuture[Any]] = {}
        self._early: OrderedDict[int, BaseException | None] = OrderedDict()
        self._storing = 0

    @contextlib.contextmanager
    def storing(self) -> Generator[None]:
        """In this block tasks are stored whose futures come at its end."""
        with self._lock:
            self._storing += 1
        try:
            yield
        finally:
            with self._lock:
                self._storing -= 1
                if not self._storing:
                    self._early.clear()

    def add(self, task_id: TaskId) -> TaskFuture[Any]:
        """The future of a task: the one that is open, or a new one."""
        with self._lock:
            future = self._open.get(task_id)
            if future is None:
                future = self._open[task_id] = TaskFuture(task_id, self._cancel)
            if task_id in self._early:
                future.raised = self._early.pop(task_id)
                future.begin()
        return future

    def all(self) -> list[TaskFuture[Any]]:
        """Those that are open now."""
        with self._lock:
            return list(self._open.values())

    def drop(self, *ids: TaskId) -> None:
        """These have ended."""
        with self._lock:
            for task_id in ids:
                self._open.pop(task_id, None)

    @property
    def are_done(self) -> bool:
        """Whether none is open, nor will be by what is being stored."""
        with self._lock:
            return not self._open and not self._storing

    def begun(self, task_id: int) -> None:
        """An attempt begins in this process."""
        with self._lock:
            future = self._open.get(TaskId(task_id))
            if future is None:
                self._note(task_id, None)
        if future is not None:
            future.begin()

    def raised(self, task_id: int, error: BaseException) -> None:
        """An attempt in this process has raised something."""
        with self._lock:
            future = self._open.get(TaskId(task_id))
            if future is None:
                self._note(task_id, error)
            else:
                future.raised = error

    def _note(self, task_id: int, error: BaseException | None) -> None:
        """Whose it is may be known in a moment; if nothing is being stored, it is nobody's."""
        if self._storing:
            self._early[task_id] = error
            self._early.move_to_end(task_id)
            if len(self._early) > EARLY:
                self._early.popitem(last=False)
