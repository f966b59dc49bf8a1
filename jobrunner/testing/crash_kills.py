"""Kill with SIGKILL: oneself at a crash point, or a worker from outside, and no task too often."""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final

from jobrunner.core.task import Task
from jobrunner.core.verdict import MAX_CRASHES
from jobrunner.core.worker import WorkerInfo
from jobrunner.runtime.membership import liveness_of
from jobrunner.testing.crash_ledger import Ledger
from jobrunner.testing.crashes import Side, crash_points

if TYPE_CHECKING:
    from jobrunner.task_queue import TaskQueue

SPARED_FROM: Final = MAX_CRASHES - 2
"""A task that has crashed so often is not hit again, lest it fail as a poison pill. Two crashes
are left to the task itself."""

OUTSIDE: Final = "from outside"
"""The cause of a kill at a random moment."""

_ALL: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class RandomKills:
    """Kill oneself at some of the points passed.

    `chances` are by the transaction's name: `settle`, the worker's turn, is the moment between a
    function's end and its COMMIT, and the one right behind it. `otherwise` is for all others.
    """

    ledger: Ledger
    chances: Mapping[str, float]
    otherwise: float
    seed: int

    def arm(self, queue: "TaskQueue") -> None:
        """Make this process, with its transactions on the database of `queue`, a victim."""
        database = queue.database
        unarmed = database.writing
        random = Random(f"{self.seed} {self.ledger.spent} {os.getpid()}")  # noqa: S311 — no secret

        def passing(side: Side, name: str) -> None:
            if random.random() >= self.chances.get(name, self.otherwise):
                return
            if side == "before":  # it is our turn: nobody can claim while we look
                kill_oneself(queue, self.ledger, f"{side} {name}")
            else:
                with unarmed():
                    kill_oneself(queue, self.ledger, f"{side} {name}")

        crash_points(database, passing)


@dataclass(frozen=True, slots=True)
class KillAt:
    """Kill oneself the `nth` time that one point is passed, as long as the ledger allows it."""

    ledger: Ledger
    side: Side
    name: str
    nth: int = 1

    def arm(self, queue: "TaskQueue") -> None:
        """Make this process, with its transactions on the database of `queue`, a victim."""
        passed = 0

        def passing(side: Side, name: str) -> None:
            nonlocal passed
            if (side, name) == (self.side, self.name):
                passed += 1
                if passed == self.nth and self.ledger.spend(f"{side} {name}"):
                    os.kill(os.getpid(), signal.SIGKILL)

        crash_points(queue.database, passing)


def kill_oneself(queue: "TaskQueue", ledger: Ledger, cause: str) -> None:
    """Die here, unless a task in hand must be spared or the kills are spent.

    To be called while this process holds the turn, so that it claims nothing in the meantime.
    """
    me = os.getpid()
    running, living = _now(queue)
    mine = {worker.id for worker in living if worker.pid == me}
    if not _spared(running, mine) and ledger.spend(cause):
        os.kill(me, signal.SIGKILL)


def kill_one(queue: "TaskQueue", ledger: Ledger, random: Random) -> bool:
    """Kill a random worker process of this machine, one that has tasks in hand if there is any.

    Nobody can claim meanwhile. `False`: there is none that may be killed, or no kill is left.
    """
    liveness = liveness_of(queue.database)
    with queue.transaction():
        running, living = _now(queue)
        may_die = [
            worker
            for worker in living
            if not _spared(running, {worker.id})
            and not (liveness and liveness.is_dead(worker.id))  # its pid may be another's by now
        ]
        busy = [worker for worker in may_die if any(t.worker_id == worker.id for t in running)]
        if not may_die or not ledger.spend(OUTSIDE):
            return False
        os.kill(random.choice(busy or may_die).pid, signal.SIGKILL)
    return True


def _now(queue: "TaskQueue") -> tuple[list[Task[Any]], list[WorkerInfo]]:
    status = queue.status(running=_ALL)
    return list(status.running), list(status.workers)


def _spared(running: list[Task[Any]], workers: set[Any]) -> bool:
    return any(task.crashes >= SPARED_FROM and task.worker_id in workers for task in running)
