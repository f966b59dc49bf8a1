"""What people set for whole queues and concurrency keys, over REST."""

from datetime import timedelta
from typing import Any, Unpack

from jobrunner.client.connection import Connection, as_told
from jobrunner.core.limits import KeyInfo, Limits, NewLimits, QueueInfo, change_of
from jobrunner.core.new_task import NewTask
from jobrunner.core.read_control import key_of, queue_of
from jobrunner.core.read_objects import limits_of


class Queues:
    """The queues behind a server: paused, resumed, limited. It lasts over restarts."""

    def __init__(self, connection: Connection) -> None:
        """`connection` leads to the server."""
        self._connection = connection

    def list(self) -> list[QueueInfo]:
        """The queues that have tasks or for which something was set, by name."""
        told = self._connection.get("queues")
        return as_told(lambda found: [queue_of(one) for one in found], told)

    def pause(self, name: str) -> bool:
        """Start no more tasks of a queue; what runs goes on. `False` if it was paused before.

        Raises:
            InvalidTaskError: no queue can have that name.
        """
        return self._changed(name, "pause")

    def resume(self, name: str) -> bool:
        """Go on with a queue; `False` if it was not paused.

        Raises:
            InvalidTaskError: no queue can have that name.
        """
        return self._changed(name, "resume")

    def limit(self, name: str, **change: Unpack[NewLimits]) -> Limits:
        """Change the limits of a queue, over all workers; returns those that hold now.

        Raises:
            InvalidTaskError: no queue can have that name, or a limit has no meaning.
        """
        _check_queue(name)
        return _limit(self._connection, "queues", name, change)

    def _changed(self, name: str, act: str) -> bool:
        _check_queue(name)
        told = self._connection.do("queues", name, act)
        return as_told(lambda one: bool(one["changed"]), told)


class Keys:
    """The limits of concurrency keys. One that nobody has set any for runs one at a time."""

    def __init__(self, connection: Connection) -> None:
        """`connection` leads to the server."""
        self._connection = connection

    def list(self) -> list[KeyInfo]:
        """The keys that have limits, or tasks that run or wait, by name."""
        told = self._connection.get("keys")
        return as_told(lambda found: [key_of(one) for one in found], told)

    def limit(self, name: str, **change: Unpack[NewLimits]) -> Limits:
        """Change the limits of a key, and of each that begins with `name:` apart.

        Of several names that fit a key, the longest holds. Returns the limits that hold now.

        Raises:
            InvalidTaskError: no key can have that name, or a limit has no meaning.
        """
        NewTask(function="any", concurrency_key=name)  # the same checks as for a new one
        return _limit(self._connection, "keys", name, change)


def _check_queue(name: str) -> None:
    NewTask(function="any", queue=name)  # the same checks as for a new one


def _limit(connection: Connection, kind: str, name: str, change: NewLimits) -> Limits:
    checked = change_of(change)
    body: dict[str, Any] = {}
    if "concurrency" in checked:
        body["concurrency"] = checked["concurrency"]
    if "rate" in checked:
        number, period = checked["rate"] or (None, timedelta())
        body["rate"] = number
        body["period"] = None if number is None else period.total_seconds()
    told = connection.do(kind, name, "limits", body=body, method="PUT")
    return as_told(limits_of, told)
