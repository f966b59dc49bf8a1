"""Kill with SIGKILL: oneself at a crash point, or a worker from outside, and no task too often."""

import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from jobrunner.core import verdict
from jobrunner.core.status import OPEN, Status
from jobrunner.core.system import SystemStatus
from jobrunner.core.task import WorkerId
from jobrunner.core.verdict import MAX_CRASHES
from jobrunner.runtime.liveness import Liveness
from jobrunner.testing.crash_ledger import Ledger
from jobrunner.testing.crashes import Side, crash_points

if TYPE_CHECKING:
    from jobrunner.task_queue import TaskQueue

SPARED_FROM: Final = MAX_CRASHES - 2
"""Crashes from which on a task is not hit any more, where the limit for poison pills is as ever.
Two are left to the task itself."""

OUTSIDE: Final = "from outside"
"""The cause of a kill at a random moment."""

HEAD_START: Final = 3
"""Kills before anything else counts."""

PACE: Final = 1.5
"""How far the share of the kills may be ahead of the share of the tasks that have begun."""

_ALL: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class RandomKills:
    """Kill oneself at some of the points passed.

    `chances` are by a point, `after settle`, or by a transaction's name for both its sides;
    `otherwise` is for all others. `settle` is the worker's turn: the moment between a function's
    end and its COMMIT, and the one right behind it. A task that has crashed `spared_from` times
    is not hit; where none is spared, the limit for poison pills is raised by the kills.
    """

    ledger: Ledger
    chances: Mapping[str, float]
    otherwise: float
    seed: int
    spared_from: int | None = SPARED_FROM

    def arm(self, queue: "TaskQueue") -> None:
        """Make this process, with its transactions on the database of `queue`, a victim."""
        if self.spared_from is None:
            raise_limit(self.ledger.budget)
        database = queue.database
        unarmed = database.writing
        random = Random(f"{self.seed} {self.ledger.spent} {os.getpid()}")  # noqa: S311 — no secret

        def passing(side: Side, name: str) -> None:
            point = f"{side} {name}"
            chance = self.chances.get(point, self.chances.get(name, self.otherwise))
            if random.random() >= chance:
                return
            if side == "before":  # it is our turn: nobody can claim while we look
                self.kill_oneself(queue, point)
            else:
                with unarmed():
                    self.kill_oneself(queue, point)

        crash_points(database, passing)

    def kill_oneself(self, queue: "TaskQueue", cause: str) -> None:
        """Die here, unless a task in hand must be spared or it is too early for one more kill.

        To be called while this process holds the turn, so that it claims nothing meanwhile.
        """
        me, status = os.getpid(), queue.status(running=_ALL)
        mine = {worker.id for worker in status.workers if worker.pid == me}
        if self._may_die(mine, status) and self.ledger.spend(cause):
            os.kill(me, signal.SIGKILL)

    def kill_one(self, queue: "TaskQueue", random: Random) -> bool:
        """Kill a random worker process of this machine, one with tasks in hand if there is any.

        Nobody can claim meanwhile. `False`: none may be killed, or no kill is left.
        """
        liveness = Liveness(queue.database.lock_folder)
        with queue.transaction():
            status = queue.status(running=_ALL)
            may_die = [
                worker
                for worker in status.workers
                if self._may_die({worker.id}, status)
                and not liveness.is_dead(worker.id)  # its pid may be another's now
            ]
            holders = {task.worker_id for task in status.running}
            busy = [worker for worker in may_die if worker.id in holders]
            if not may_die or not self.ledger.spend(OUTSIDE):
                return False
            with contextlib.suppress(ProcessLookupError):  # it has just killed itself
                os.kill(random.choice(busy or may_die).pid, signal.SIGKILL)
        return True

    def _may_die(self, workers: set[WorkerId], status: SystemStatus) -> bool:
        """Whether these workers hold nothing to be spared, and it is not too early for one more.

        Without a pace all kills would hit the first tasks, since those are run again first.
        """
        held = [task for task in status.running if task.worker_id in workers]
        if self.spared_from and any(task.crashes >= self.spared_from for task in held):
            return False
        waiting = sum(status.tasks[name] for name in OPEN - {Status.IN_PROGRESS})
        total = sum(status.tasks.values())
        begun = (total - waiting) / total if total else 1.0
        return self.ledger.spent < HEAD_START + PACE * begun * self.ledger.budget


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


def raise_limit(kills: int) -> None:
    """In this process a task is a poison pill only after as many crashes more as there are kills.

    A kill by ourselves must not count against a task, and its crashes are counted in one number.
    """
    verdict.__dict__["MAX_CRASHES"] = MAX_CRASHES + kills
