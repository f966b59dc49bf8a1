"""Wait for tasks to end, told by the stream of changes; without one, by looking now and then."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from jobrunner.client.connection import Connection, as_told, value_of
from jobrunner.client.following import News
from jobrunner.client.patience import Patience
from jobrunner.core.errors import JobrunnerError, WaitTimeoutError
from jobrunner.core.insight import Changes
from jobrunner.core.read_objects import task_of
from jobrunner.core.status import FINAL, Status
from jobrunner.core.task import Task, TaskSource
from jobrunner.core.web_errors import AnswerLostError, UnreachableError

LOOK_EVERY: Final = 5.0
"""Seconds after which all are looked at even if no news came."""

POLL_EVERY: Final = 1.0
"""The same where the server gives no stream."""

QUICKEST: Final = 0.5
"""Seconds between two looks at all, at least."""

CALM: Final = 4
"""So many times as long as a look at all took is the pause until the next."""


class Awaited:
    """Tasks that are waited for, each with the tag by which the server knows what we have seen."""

    def __init__(self, connection: Connection, source: TaskSource, ids: Iterable[int]) -> None:
        """Nothing is looked at yet."""
        self._connection = connection
        self._source = source
        self._open = dict.fromkeys(ids, "")
        self.ended: dict[int, Task[Any]] = {}
        self._counts: Mapping[Status, int] | None = None
        self._looked = Patience(None)
        self._took = 0.0
        self._is_due = True
        self._unanswered: Patience | None = None

    @property
    def open(self) -> Sequence[int]:
        """Those that have not ended."""
        return list(self._open)

    def look(self, ids: Iterable[int]) -> None:
        """Look at some of them, as long as the server answers."""
        for task_id in ids:
            if task_id in self._open and not self._look_at(task_id):
                self._is_due = True
                return

    def look_at_all(self) -> None:
        """Look at all that are open."""
        self._looked, self._is_due = Patience(None), False
        self.look(self.open)
        self._took = self._looked.spent
        self._looked = Patience(None)

    def _look_at(self, task_id: int) -> bool:
        headers = {"If-None-Match": self._open[task_id]}
        try:
            answer = self._connection.send("GET", "tasks", task_id, headers=headers)
        except (UnreachableError, AnswerLostError) as error:
            self._bear(error)
            return False
        self._unanswered = None
        if answer.status_code == HTTPStatus.NOT_MODIFIED:
            return True
        task = as_told(lambda told: task_of(told, self._source), value_of(answer))
        if task.status.is_final:
            self.ended[task_id] = task
            del self._open[task_id]
        else:
            self._open[task_id] = answer.headers.get("etag", "")
        return True

    def _bear(self, error: JobrunnerError) -> None:
        """Whoever waits for hours lives through a restart of the server."""
        if self._unanswered is None and any(self._open.values()):
            self._unanswered = Patience(self._connection.timeout)
        elif self._unanswered is None or self._unanswered.is_over:
            raise error

    def hear(self, news: Sequence[Changes], *, is_heard: bool) -> None:
        """Look at those that may have ended, by what is told."""
        for changes in news:
            told = [one for one in changes.ended if one.status in FINAL]
            if self._counts is None:  # what has ended before the stream began is not told
                self.look_at_all()
            else:
                self.look(one.task_id for one in told)
                # One that was cancelled before it started, or a retry, shows in the counts only.
                ended = _ended(changes.counts) - _ended(self._counts)
                self._is_due |= changes.is_cut or changes.lags or ended != len(told)
            self._counts = changes.counts
        if self.patience(is_heard=is_heard) <= 0:
            self.look_at_all()

    def patience(self, *, is_heard: bool) -> float:
        """Seconds until all are to be looked at."""
        pause = QUICKEST if self._is_due else LOOK_EVERY if is_heard else POLL_EVERY
        return max(pause, CALM * self._took) - self._looked.spent


def _ended(counts: Mapping[Status, int]) -> int:
    return sum(counts.get(status, 0) for status in FINAL)


def wait_until_ended(
    connection: Connection,
    source: TaskSource,
    ids: Sequence[int],
    *,
    timeout: float | None,
    on_open: Callable[[int], None],
) -> Mapping[int, Task[Any]]:
    """The tasks, once all have ended; `on_open` is told how many have not, now and then.

    Raises:
        WaitTimeoutError: some did not end within `timeout` seconds.
        TaskNotFoundError: there is no such task.
        UnreachableError: the server is gone, and has not come back.
    """
    patience = Patience(timeout)
    awaited = Awaited(connection, source, ids)
    awaited.look_at_all()
    with News(connection) as news:
        while True:
            on_open(len(awaited.open))
            if not awaited.open:
                return awaited.ended
            if patience.is_over:
                raise WaitTimeoutError(awaited.open, timeout or 0.0)
            left = patience.left(awaited.patience(is_heard=news.is_heard))
            awaited.hear(news.wait(left), is_heard=news.is_heard)
            if patience.is_over:
                awaited.look_at_all()
