"""`queue.crews`: pause, resume, drain, stop and resize workers, one of them or a whole crew."""

from collections.abc import Callable
from typing import Any, Final, Protocol, TypedDict, Unpack

from jobrunner.core.crew import Crew, Told, check_concurrency, check_name
from jobrunner.core.errors import ConfigurationError, WaitTimeoutError
from jobrunner.core.task import WorkerId
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.wakeup import Wakeup
from jobrunner.storage import crews
from jobrunner.storage.store import Store

LOOK_EVERY: Final = 0.2
"""Seconds after which a drain looks again even if nothing woke it."""


class Whom(TypedDict, total=False):
    """Whom a name means: `crew`, a crew, be it one of workers to come; `every`, all of them."""

    crew: bool
    every: bool


class Home(Protocol):
    """What is needed of a queue."""

    @property
    def store(self) -> Store:
        """Where the workers' rows are."""
        ...

    @property
    def clock(self) -> Clock:
        """Its time."""
        ...


class Crews:
    """Says things to workers: by the id of one, or a beginning of it, or by the name of a crew.

    What is said to a crew lasts over restarts and holds for each worker of that name that starts
    later; what is said to one worker ends with it. Each method returns whom it has reached.
    """

    def __init__(self, queue: Home) -> None:
        """`queue` is the one whose workers are meant."""
        self._queue = queue

    def pause(self, who: str | None = None, **whom: Unpack[Whom]) -> Told:
        """From the return on they claim nothing. What they run they end.

        Raises:
            WorkerNotFoundError: no worker that runs and no crew is named so.
        """
        return self._say(crews.pause, who, whom, now=self._queue.clock.now())

    def resume(self, who: str | None = None, **whom: Unpack[Whom]) -> Told:
        """They claim again.

        Raises:
            WorkerNotFoundError: no worker that runs and no crew is named so.
        """
        return self._say(crews.resume, who, whom)

    def resize(
        self, who: str | None = None, concurrency: int | None = None, **whom: Unpack[Whom]
    ) -> Told:
        """Each runs so many tasks at a time from now on; unless said, as it was started with.

        More begin at once; where there are to be less, what runs is ended first.

        Raises:
            WorkerNotFoundError: no worker that runs and no crew is named so.
            ConfigurationError: it is no number from 1 to 10,000.
        """
        if concurrency is not None:
            check_concurrency(concurrency)
        return self._say(crews.resize, who, whom, concurrency=concurrency)

    def stop(self, who: str | None = None, **whom: Unpack[Whom]) -> Told:
        """Those that run now end in order, as on SIGTERM.

        Raises:
            WorkerNotFoundError: no worker that runs and no crew is named so.
        """
        return self._say(crews.stop, who, whom, now=self._queue.clock.now())

    def drain(
        self,
        who: str | None = None,
        *,
        timeout: float | None = None,
        on_open: Callable[[int], None] = lambda _: None,
        **whom: Unpack[Whom],
    ) -> Told:
        """Pause them, and wait until they run nothing. `timeout` in seconds.

        `on_open` is told how many tasks they still run, now and then.

        Raises:
            WorkerNotFoundError: no worker that runs and no crew is named so.
            WaitTimeoutError: they still run something; they stay paused.
        """
        told = self.pause(who, **whom)
        ids = [worker.id for worker in told.workers]
        clock, store = self._queue.clock, self._queue.store
        deadline = None if timeout is None else clock.monotonic() + timeout
        wakeup = Wakeup(store.database.watch(), clock)
        try:
            while held := store.read(crews.held, ids):
                on_open(len(held))
                left = LOOK_EVERY if deadline is None else deadline - clock.monotonic()
                if left <= 0:
                    hint = "They stay paused; `jobrunner worker resume` lets them claim again."
                    raise WaitTimeoutError(held, timeout or 0.0, hint=hint)
                wakeup.wait(min(LOOK_EVERY, left))
        finally:
            wakeup.close()
        return told

    def list(self) -> list[Crew]:
        """The crews that are paused or resized."""
        return self._queue.store.read(crews.every)

    def running(self) -> dict[WorkerId, int]:
        """How many tasks each worker has in hand, of those that have any."""
        return self._queue.store.read(crews.running)

    def _say(self, word: Callable[..., None], who: str | None, whom: Whom, **named: Any) -> Told:
        every, crew = whom.get("every", False), whom.get("crew", False)
        if (who is None) != every:
            raise ConfigurationError(
                "say to whom: a worker, a crew, or all of them", hint="Give one of the two."
            )
        if crew:
            check_name(who)
        return self._queue.store.write(crews.tell, word, who, crew=crew, **named)
