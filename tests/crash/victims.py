"""The processes that are killed: workers, a scheduler with workers of its own, enqueuers."""

import signal
import threading
from pathlib import Path

from jobrunner import Scheduler, Worker
from jobrunner.core.status import OPEN
from jobrunner.testing.crash_victims import Victims
from tests.crash.application import at, batch, write

ACKNOWLEDGED = "acknowledged"
SIDE_LOG = "side.log"
ENOUGH = "enough"
"""A file whose presence ends the enqueuers."""

OPTIONS = {"concurrency": 4, "shutdown_grace": 0.5, "kill_grace": 0.3}
BACKLOG = 60
"""Open tasks above which an enqueuer waits."""


def work(folder, plan):
    """A worker, until SIGTERM."""
    queue = at(folder)
    plan.arm(queue)
    worker = Worker(queue, **OPTIONS)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()


def schedule(folder, plan):
    """A scheduler with two workers, all of them armed, until SIGTERM."""
    queue = at(folder)
    plan.arm(queue)
    scheduler = Scheduler(Victims(queue, plan), workers=2, **OPTIONS)
    signal.signal(signal.SIGTERM, lambda *_: scheduler.stop())
    scheduler.run()


def enqueue(folder, plan):
    """Enqueue batch after batch; what was acknowledged is noted once `enqueue_ids` has returned."""
    queue = at(folder)
    plan.arm(queue)
    pause = threading.Event()
    while not (Path(folder) / ENOUGH).exists():
        counts = queue.counts()
        if sum(counts[status] for status in OPEN) > BACKLOG:
            pause.wait(0.02)
            continue
        ids = queue.enqueue_ids(batch(str(Path(folder) / SIDE_LOG)))
        write(Path(folder) / ACKNOWLEDGED, " ".join(map(str, ids)))
