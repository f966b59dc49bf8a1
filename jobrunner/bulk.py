"""`queue.bulk`: retry, cancel or delete many tasks by their ids or by what they have in common."""

from collections.abc import Callable, Iterable
from typing import Any, Unpack

from jobrunner.core.bulk import Act, BulkFilter, Done, Wanted
from jobrunner.core.task import TaskId
from jobrunner.runtime.home import Home
from jobrunner.storage import bulk

Progress = Callable[[int], None]
"""Is told how many tasks have been seen to, after each transaction."""


def _ignore(_seen: int) -> None:
    """Nobody looks."""


class Bulk:
    """Acts on many tasks, some hundreds in a transaction.

    What was done when it is interrupted stays done, and the same call goes on from there.
    """

    def __init__(self, home: Home) -> None:
        """`home` is the queue."""
        self._home = home

    def count(self, act: str, **wanted: Unpack[BulkFilter]) -> int:
        """How many tasks match; `act` is `retry`, `cancel` or `delete`. Ids are not looked at.

        Raises:
            ConfigurationError: nothing is named, or a status that does not allow it.
        """
        meant = Wanted(**wanted)
        meant.statuses(Act(act))
        return len(meant.ids) or self._home.store.read(bulk.count, meant, Act(act))

    def retry(self, progress: Progress = _ignore, **wanted: Unpack[BulkFilter]) -> Done:
        """Run tasks again: those that have failed unless another status is named.

        Raises:
            ConfigurationError: nothing is named, or a status that cannot be retried.
        """
        return self.do(Act.RETRY, progress, **wanted)

    def cancel(self, progress: Progress = _ignore, **wanted: Unpack[BulkFilter]) -> Done:
        """Cancel tasks that wait, and have those that run stopped.

        Raises:
            ConfigurationError: nothing is named, or a status that cannot be cancelled.
        """
        return self.do(Act.CANCEL, progress, **wanted)

    def delete(self, progress: Progress = _ignore, **wanted: Unpack[BulkFilter]) -> Done:
        """Delete tasks with their history: those that have ended unless another status is named.

        One that an unfinished task needs is left as it is, and so is what runs.

        Raises:
            ConfigurationError: nothing is named, or a status that cannot be deleted.
            DatabaseError: rows of a table of somebody's own refer to one.
        """
        return self.do(Act.DELETE, progress, **wanted)

    def do(self, act: Act, progress: Progress = _ignore, **wanted: Unpack[BulkFilter]) -> Done:
        """Do one of the three."""
        meant = Wanted(**wanted)
        meant.statuses(act)
        done = Done()
        for some in self._pieces(act, meant):
            now = self._home.clock.now()
            done.add(*self._home.store.write(bulk.do, act, some, meant, now=now))
            progress(done.done + done.refused_count)
        return done

    def _pieces(self, act: Act, meant: Wanted) -> Iterable[list[TaskId]]:
        if meant.ids:
            ids = [TaskId(task_id) for task_id in dict.fromkeys(meant.ids)]
            for at in range(0, len(ids), bulk.AT_ONCE):
                yield ids[at : at + bulk.AT_ONCE]
            return
        last: Any = None
        while some := self._home.store.read(bulk.following, meant, act, after=last):
            yield some
            last = some[-1]
