"""A test's process that is killed while it drains leaves its task to the real workers."""

import signal
import subprocess
import sys
from pathlib import Path

from jobrunner import TaskQueue, Worker

ROOT = Path(__file__).resolve().parent.parent.parent

PROGRAM = """
import os, signal
from jobrunner import TaskQueue
from jobrunner.testing import drain

queue = TaskQueue({path!r})

@queue.task
def die():
    os.kill(os.getpid(), signal.SIGKILL)

die.enqueue()
drain(queue)
"""


def test_what_it_ran_is_rescued_long_before_it_counts_as_silent(location):
    program = PROGRAM.format(path=location)
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    queue = TaskQueue(location)

    @queue.task
    def die():
        return "alive"

    Worker(queue, concurrency=1, lost_after=600).run(until_empty=True, duration=30)
    assert queue.get(1).returned == "alive"
    assert [record.outcome for record in queue.history(1)] == ["lost", "completed"]
    queue.close()
