"""The schedules that an application's code declares, stored when it begins to work."""

from jobrunner.runtime.options import Source
from jobrunner.storage import schedules


def store_declared(source: Source) -> None:
    """Add them, or bring them up to date; the same again changes nothing.

    Raises:
        DatabaseError: they cannot be stored.
    """
    declared = sorted(source.registry.schedules.items())  # as all do, so that none wait in a ring
    if declared:
        with source.database.writing() as transaction:
            for _, new in declared:
                schedules.put(transaction, new, now=source.clock.now())


def make_ready(source: Source) -> None:
    """What a worker does before it joins the others.

    Raises:
        DatabaseError: the database is damaged, or cannot be written.
    """
    source.database.look_over()
    store_declared(source)
