"""How long after the kill of a worker its task runs again on the same machine."""

import multiprocessing
import os
import signal
import time
from statistics import median

from jobrunner.runtime.clock import SystemClock
from jobrunner.runtime.wakeup import Wakeup
from jobrunner.testing.crash_kills import KillAt
from jobrunner.testing.crash_ledger import Ledger
from tests.crash import victims
from tests.crash.application import STARTED, at, hold
from tests.crash.verdict import lines

BOUND = 1.0
"""Seconds within which it must, by the median."""


def gaps(folder, kills):
    """Seconds from each kill to the next start of the killed worker's task."""
    queue = at(folder)
    never = KillAt(Ledger(folder / "kills", 0), "before", "nothing")
    context = multiprocessing.get_context("forkserver")
    found = []
    workers = {}
    while len(found) < kills:
        while len(workers) < 2:
            process = context.Process(target=victims.work, args=(str(folder), never))
            process.start()
            workers[process.pid] = process
        found.append(_gap(folder, queue, workers))
    for process in workers.values():
        process.terminate()
        process.join()
    queue.close()
    return found


def _gap(folder, queue, workers):
    _until(queue, lambda: {worker.pid for worker in queue.status().workers} == set(workers))
    log = folder / victims.SIDE_LOG
    task = hold.enqueue(str(log), 60)
    _until(queue, lambda: _starts(log, task.id))
    pid = int(_starts(log, task.id)[0][3])
    killed_at = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    queue.wait([task.id], timeout=60)
    workers.pop(pid).join()
    return float(_starts(log, task.id)[1][4]) - killed_at


def _starts(log, task_id):
    return [line for line in lines(log) if line[:2] == [STARTED, str(task_id)]]


def _until(queue, condition):
    wakeup = Wakeup(queue.database.watch(), SystemClock())
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        wakeup.wait(0.05)
    wakeup.close()


def summary(found):
    return f"{median(found):.2f} s median, {max(found):.2f} s at most, of {len(found)} kills"
