"""Whatever happens in a database, seen without a look at its tables."""

from collections.abc import Callable

from jobrunner.storage.engine import Database
from jobrunner.storage.notices import ENDS
from jobrunner.storage.watch import Watch


def watch(database: Database) -> Watch:
    """A file tells of every commit; a server of work that there is, and of ends."""
    if database.is_served:
        return Either(database.watch(), database.watch(ENDS))
    return database.watch()


class Either:
    """Tells what one of two watches of a server tells."""

    def __init__(self, one: Watch, other: Watch) -> None:
        """Both belong to it from now on."""
        self.descriptor = None
        self.pauses = one.pauses
        self._both = one, other

    def changed(self) -> bool:
        """Whether there was anything since the last look; both are asked."""
        one, other = (each.changed() for each in self._both)
        return one or other

    def call(self, wake: Callable[[], None]) -> None:
        """Have `wake` called with each news of either."""
        for each in self._both:
            each.call(wake)

    def close(self) -> None:
        """Look no more."""
        for each in self._both:
            each.close()
