"""Retry, cancel or delete many tasks behind a server."""

from collections.abc import Callable, Iterator
from typing import Any, Final, Unpack

from jobrunner.client.changing import plain
from jobrunner.client.connection import Connection, as_told, value_of
from jobrunner.core.bulk import NAMED_AT_MOST, Act, BulkFilter, Done, Wanted
from jobrunner.core.read_control import done_of

Progress = Callable[[int], None]
"""Is told how many tasks have been seen to, after each request."""

AT_ONCE: Final = 10_000
"""Ids that a server takes in one request."""

PATIENCE: Final = 600.0
"""Seconds that many tasks may take."""


def _ignore(_seen: int) -> None:
    """Nobody looks."""


class Bulk:
    """Acts on many tasks, some hundreds in a transaction.

    What was done when it is interrupted stays done, and the same call goes on from there.

    Raises:
        ConfigurationError: nothing is named, or a status that does not allow it.
    """

    def __init__(self, connection: Connection) -> None:
        """`connection` leads to the server."""
        self._connection = connection

    def count(self, act: str, **wanted: Unpack[BulkFilter]) -> int:
        """How many tasks match; `act` is `retry`, `cancel` or `delete`. Ids are not looked at."""
        meant = Wanted(**wanted)
        meant.statuses(Act(act))
        if meant.ids:
            return len(meant.ids)
        told = self._ask(Act(act), {**_body(wanted), "dry_run": True})
        return as_told(lambda one: int(one["matched"]), told)

    def retry(self, progress: Progress = _ignore, **wanted: Unpack[BulkFilter]) -> Done:
        """Run tasks again: those that have failed unless another status is named."""
        return self.do(Act.RETRY, progress, **wanted)

    def cancel(self, progress: Progress = _ignore, **wanted: Unpack[BulkFilter]) -> Done:
        """Cancel tasks that wait, and have those that run stopped."""
        return self.do(Act.CANCEL, progress, **wanted)

    def delete(self, progress: Progress = _ignore, **wanted: Unpack[BulkFilter]) -> Done:
        """Delete tasks with their history: those that have ended unless another status is named.

        One that an unfinished task needs is left as it is, and so is what runs.
        """
        return self.do(Act.DELETE, progress, **wanted)

    def do(self, act: Act, progress: Progress = _ignore, **wanted: Unpack[BulkFilter]) -> Done:
        """Do one of the three."""
        meant = Wanted(**wanted)
        meant.statuses(act)
        done = Done()
        for body in _pieces(meant, _body(wanted)):
            some = as_told(done_of, self._ask(act, body))
            done.done += some.done
            done.refused_count += some.refused_count
            done.refused += some.refused[: NAMED_AT_MOST - len(done.refused)]
            progress(done.done + done.refused_count)
        return done

    def _ask(self, act: Act, body: dict[str, Any]) -> Any:
        return value_of(
            self._connection.send("POST", "tasks", "actions", act, body=body, timeout=PATIENCE)
        )


def _pieces(meant: Wanted, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    ids = list(dict.fromkeys(meant.ids))
    if not ids:
        yield body
    for at in range(0, len(ids), AT_ONCE):
        yield {**body, "ids": ids[at : at + AT_ONCE]}


def _body(wanted: BulkFilter) -> dict[str, Any]:
    told = {name: plain(value) for name, value in wanted.items() if value is not None}
    told["all"] = bool(told.pop("every", False))
    if "ids" in told:
        told["ids"] = list(told["ids"])
    return told
