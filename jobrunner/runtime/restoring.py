"""A backup in the place of the database: while no worker lives, and with its work taken up."""

from pathlib import Path
from typing import NamedTuple

from jobrunner.core.errors import DatabaseError
from jobrunner.core.events import Emit
from jobrunner.core.task import WorkerId
from jobrunner.core.worker import WorkerInfo
from jobrunner.runtime import alive
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.liveness import Liveness
from jobrunner.runtime.maintenance import Maintenance
from jobrunner.storage import backup, migrate, workers
from jobrunner.storage.engine import Database


class Restored(NamedTuple):
    """Where the old file is kept, if there was one, and how many workers were declared lost."""

    kept: Path | None
    lost: int


def restore(database: Database, source: Path, *, clock: Clock, emit: Emit) -> Restored:
    """Put a copy of a backup in the place of the database; the old file is kept beside it.

    What was in progress when the backup was made was so at workers that are gone: they are
    declared lost, and their tasks run again.

    Raises:
        DatabaseError: a worker lives, the database is in use, or the backup cannot be used.
    """
    liveness = Liveness(database.lock_folder)
    _refuse_while_alive(database, liveness)
    restored = backup.restore(database, source, now=clock.now())
    migrate.ensure(database)
    maintenance = Maintenance(database, liveness, clock=clock, emit=emit, lost_after=0)
    known = set(restored.workers)  # and none that has started a moment ago
    with database.reading() as transaction:
        gone = [worker for worker in workers.alive(transaction) if worker.id in known]
    reason = "the database was restored from a backup"
    return Restored(restored.kept, sum(maintenance.bury(worker, reason) for worker in gone))


def _refuse_while_alive(database: Database, liveness: Liveness) -> None:
    """By the locks they hold, since the rows of a damaged file may not be readable."""
    if not (held := liveness.held()):
        return
    found = _rows(database, held)
    pids = " ".join(str(found[worker_id].pid) for worker_id in held if worker_id in found)
    hint = f"Stop it first, as with `kill {pids or 'PID'}`; nothing was changed."
    alive.refuse(held, found, hint=hint)


def _rows(database: Database, held: list[WorkerId]) -> dict[WorkerId, WorkerInfo]:
    try:
        with database.reading() as transaction:
            return {worker.id: worker for worker in workers.every(transaction, held)}
    except DatabaseError:
        return {}
    finally:
        database.close()
