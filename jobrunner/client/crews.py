"""Pause, resume, stop and resize workers behind a server, one of them or a whole crew."""

from typing import Any

from jobrunner.client.connection import Connection, as_told
from jobrunner.core.crew import Crew, Told, check_concurrency, check_name
from jobrunner.core.read_control import crew_of, reached_of


class Crews:
    """Says things to workers: by the id of one, or a beginning of it, or by the name of a crew.

    What is said to a crew lasts over restarts and holds for each worker of that name that starts
    later, with `crew` also for a crew that nobody belongs to yet. Each method returns whom it has
    reached.

    Raises:
        WorkerNotFoundError: no worker that runs and no crew is named so.
    """

    def __init__(self, connection: Connection) -> None:
        """`connection` leads to the server."""
        self._connection = connection

    def pause(self, who: str, *, crew: bool = False) -> Told:
        """From the return on they claim nothing. What they run they end."""
        return self._say("pause", who, crew=crew)

    def resume(self, who: str, *, crew: bool = False) -> Told:
        """They claim again."""
        return self._say("resume", who, crew=crew)

    def resize(self, who: str, concurrency: int | None = None, *, crew: bool = False) -> Told:
        """Each runs so many tasks at a time from now on; unless said, as it was started with.

        Raises:
            WorkerNotFoundError: no worker that runs and no crew is named so.
            ConfigurationError: it is no number from 1 to 10,000.
        """
        if concurrency is not None:
            check_concurrency(concurrency)
        return self._say("resize", who, crew=crew, concurrency=concurrency)

    def stop(self, who: str, *, crew: bool = False) -> Told:
        """Those that run now end in order, as on SIGTERM."""
        return self._say("stop", who, crew=crew)

    def list(self) -> list[Crew]:
        """The crews that are paused or resized."""
        told = self._connection.get("crews")
        return as_told(lambda found: [crew_of(one) for one in found], told)

    def _say(self, word: str, who: str, **body: Any) -> Told:
        check_name(who)
        return as_told(reached_of, self._connection.do("workers", who, word, body=body))
