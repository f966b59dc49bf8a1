"""One attempt as it is sent to another process: what to run, and where its database is."""

from dataclasses import dataclass, field

from jobrunner.core.task import Lease
from jobrunner.core.verdict import ALONE_AFTER
from jobrunner.runtime.registry import Reference


@dataclass(frozen=True, slots=True)
class Order:
    """Worker to another process: run this function.

    The function travels as a reference, by module and name. `lease` holds its arguments (JSON
    text), the task's id, the number of the attempt, its timeout and its token; `location` is
    the URL of the database, with its password.
    """

    function: Reference
    location: str = field(repr=False)  # Dask prints what it was given
    lease: Lease

    @property
    def key(self) -> str:
        """A name that no other attempt of this database has."""
        return f"{self.function.name}-{self.lease.task_id}-{self.lease.token}"

    @property
    def alone(self) -> bool:
        """Whether it took processes down before, and should share its process with nobody."""
        return self.lease.crashes >= ALONE_AFTER
