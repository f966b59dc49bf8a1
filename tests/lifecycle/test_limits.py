"""Limits hold under racing workers and `kill -9`, and a kill leaves nothing held."""

import os
import signal

from jobrunner import NewTask

WORKERS = 8
KILLS = 50

ALONE = """
import fcntl

@queue.task(concurrency_key="alone", max_attempts=100)
def alone(dies):
    with open(HERE / "alone.lock", "w") as lock:  # the kernel lets go of it with the process
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("twice")
        if dies and context.attempt == 1:
            say(os.getpid())
            time.sleep(600)
        time.sleep(0.001)
    say("done")
"""


def test_a_key_runs_one_at_a_time_under_racing_workers_and_kills(stage):
    """Never two at once, as the tasks themselves find, and never stuck."""
    stage.write(ALONE)
    ids = stage.queue.enqueue_ids(
        [NewTask(function="alone", args=[n < KILLS], concurrency_key="alone") for n in range(80)]
    )
    stage.scheduler({"until_empty": True}, workers=WORKERS)
    for number in range(KILLS):
        pids = stage.until(lambda number=number: _pids(stage)[number:])
        os.kill(int(pids[0]), signal.SIGKILL)
    stage.queue.wait(ids, timeout=120)
    assert "twice" not in stage.log()
    assert stage.log().count("done") == len(ids)
    assert len(_pids(stage)) == KILLS
    assert [stage.outcomes(task_id) for task_id in ids] == [
        *[["lost", "completed"]] * KILLS,
        *[["completed"]] * (len(ids) - KILLS),
    ]


def _pids(stage):
    return [word for word in stage.log() if word.isdecimal()]
