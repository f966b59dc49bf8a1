"""What people set for whole queues and concurrency keys: `queue.queues` and `queue.keys`."""

from typing import Unpack

from jobrunner.core.limits import KeyInfo, Limits, NewLimits, QueueInfo, change_of
from jobrunner.core.new_task import NewTask
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.draining import wait_until_idle
from jobrunner.storage import keys, queues
from jobrunner.storage.store import Store


class Queues:
    """The queues of a TaskQueue: paused, resumed, drained, limited. It lasts over restarts."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """`store` is where their tasks are."""
        self._store = store
        self._clock = clock

    def list(self) -> list[QueueInfo]:
        """The queues that have tasks or for which something was set, by name."""
        return self._store.read(queues.every)

    def pause(self, name: str) -> bool:
        """Start no more tasks of a queue; what runs goes on. `False` if it was paused before.

        Raises:
            InvalidTaskError: no queue can have that name.
        """
        _check_queue(name)
        return self._store.write(queues.pause, name, now=self._clock.now())

    def resume(self, name: str) -> bool:
        """Go on with a queue; `False` if it was not paused.

        Raises:
            InvalidTaskError: no queue can have that name.
        """
        _check_queue(name)
        return self._store.write(queues.resume, name)

    def drain(self, name: str, *, timeout: float | None = None) -> None:
        """Pause a queue and wait until nothing of it runs. `timeout` in seconds.

        Raises:
            InvalidTaskError: no queue can have that name.
            DrainTimeoutError: something of it still ran then; the queue stays paused.
        """
        self.pause(name)
        wait_until_idle(self._store.database, name, clock=self._clock, timeout=timeout)

    def limit(self, name: str, **change: Unpack[NewLimits]) -> Limits:
        """Change the limits of a queue, over all workers; returns those that hold now.

        Raises:
            InvalidTaskError: no queue can have that name, or a limit has no meaning.
        """
        _check_queue(name)
        return self._store.write(queues.limit, name, change_of(change))


class Keys:
    """The limits of concurrency keys. One that nobody has set any for runs one at a time."""

    def __init__(self, store: Store) -> None:
        """`store` is where their tasks are."""
        self._store = store

    def list(self) -> list[KeyInfo]:
        """The keys that have limits, or tasks that run or wait, by name."""
        return self._store.read(keys.every)

    def limit(self, name: str, **change: Unpack[NewLimits]) -> Limits:
        """Change the limits of a key, and of each that begins with `name:` apart.

        Of several names that fit a key, the longest holds. Returns the limits that hold now.

        Raises:
            InvalidTaskError: no key can have that name, or a limit has no meaning.
        """
        NewTask(function="any", concurrency_key=name)  # the same checks as for a new one
        return self._store.write(keys.limit, name, change_of(change))


def _check_queue(name: str) -> None:
    NewTask(function="any", queue=name)  # the same checks as for a new one
