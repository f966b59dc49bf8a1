"""Worker processes that die before they work: the scheduler gives up, and each says why."""

import subprocess
import sys

PROGRAM = """
import sys
from jobrunner import DatabaseError, Scheduler, TaskQueue
from jobrunner.runtime.scheduler import SchedulerError
from jobrunner.storage.engine import Database

def refuse(_database):
    raise DatabaseError("the database is locked by another session")

def unusable():
    Database.look_over = refuse

if __name__ == "__main__":
    queue = TaskQueue(sys.argv[1])
    queue.enqueue_command(["true"])
    try:
        Scheduler(queue, workers=2, setup=unusable).run(until_empty=True)
    except SchedulerError as error:
        print(error)
    queue.close()
"""


def test_workers_that_cannot_begin_say_why_in_a_sentence_and_are_given_up(location, tmp_path):
    (tmp_path / "app.py").write_text(PROGRAM)
    command = [sys.executable, "-W", "error", "app.py", location]
    ran = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert ran.stdout == "10 worker processes died at their start, exit code 1\n"
    assert ran.stderr.count("is locked by another session") >= 10
    assert "Traceback" not in ran.stderr
