"""The kill loop in small: 25 kills, nothing lost, nothing done twice; and it would be seen."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jobrunner import NewTask, Status, TaskQueue, Worker
from jobrunner.core.events import ignore
from tests.crash.application import ENDED, STARTED, write
from tests.crash.verdict import FAULTS, judge
from tests.crash.victims import ACKNOWLEDGED, SIDE_LOG

ROOT = Path(__file__).resolve().parent.parent.parent

ASKED_AND_KILLED = r"(?s)Traceback .*?\bforkserver\.py.*?EOFError: Ran out of input\n"
"""What Python's fork server says when whoever asks it for a child is killed before all is said."""


def test_after_25_kills_nothing_is_lost_and_nothing_was_done_twice(location):
    # A seed of its own each time; it is printed, to be tried again.
    command = [sys.executable, "-W", "error", "-m", "tests.crash", "--kills=25", "--rescues=3"]
    if "://" in location:
        command.append(f"--postgres={location}")
    ran = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    table = [line.rsplit(maxsplit=1) for line in ran.stdout.splitlines()]
    numbers = {pair[0].strip(): pair[1] for pair in table if len(pair) == 2}
    assert numbers["kills"] == "25"
    assert {name: numbers[name] for name in FAULTS} == dict.fromkeys(FAULTS, "0")
    assert re.sub(ASKED_AND_KILLED, "", ran.stderr) == ""


@pytest.fixture
def done(tmp_path, location):
    """A queue of three tasks in a row that have completed, with logs that agree."""
    queue = TaskQueue(location, emit=ignore)
    first = queue.enqueue_command(["true"])
    second = queue.enqueue_command(["true"], after=[first])
    ids = [first.id, second.id, queue.enqueue_command(["true"]).id]
    Worker(queue, concurrency=1).run(until_empty=True)
    write(tmp_path / ACKNOWLEDGED, " ".join(map(str, ids)))
    for task_id in ids:
        write(tmp_path / SIDE_LOG, f"{STARTED} {task_id} 1 99 0")
        write(tmp_path / SIDE_LOG, f"{ENDED} {task_id} 1 99 0")
    yield queue
    queue.close()


def faults(folder, queue):
    facts = judge(folder, queue)
    return {name: facts[name] for name in FAULTS if facts[name]}


def test_a_sound_history_has_no_fault(tmp_path, done):
    assert faults(tmp_path, done) == {}


def test_an_acknowledged_task_that_is_not_there_is_lost(tmp_path, done):
    write(tmp_path / ACKNOWLEDGED, "4711")
    assert faults(tmp_path, done) == {"lost": 1}


def test_a_task_that_was_acknowledged_twice_is_seen(tmp_path, done):
    write(tmp_path / ACKNOWLEDGED, "1")
    assert faults(tmp_path, done) == {"acknowledged twice": 1}


def test_an_acknowledged_task_that_is_not_done_is_seen(tmp_path, done):
    write(tmp_path / ACKNOWLEDGED, str(done.enqueue(NewTask(command=["true"])).id))
    assert faults(tmp_path, done) == {"acknowledged but not done": 1, "not ended": 1}


def test_an_attempt_that_started_twice_is_seen(tmp_path, done):
    write(tmp_path / SIDE_LOG, f"{STARTED} 2 1 100 0")
    assert faults(tmp_path, done) == {"same attempt started twice": 1}


def test_a_completion_without_a_start_is_seen(tmp_path, done):
    log = tmp_path / SIDE_LOG
    log.write_text(log.read_text().replace(f"{STARTED} 3 1", f"{STARTED} 3 2"))
    assert faults(tmp_path, done) == {"completed without a start in the side log": 1}


def test_a_completion_without_an_end_is_seen(tmp_path, done):
    log = tmp_path / SIDE_LOG
    log.write_text(log.read_text().replace(f"{ENDED} 3 1", f"{ENDED} 3 2"))
    assert faults(tmp_path, done) == {"completed without an end in the side log": 1}


def test_a_second_completion_is_seen(tmp_path, done):
    with done.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO attempts (task_id, number, worker_id, token, ready_at, started_at,"
            " ended_at, outcome) SELECT task_id, number, worker_id, token + 1, ready_at,"
            " started_at, ended_at, outcome FROM attempts WHERE task_id = 3"
        )
    assert faults(tmp_path, done) == {"completed twice": 1, "db check": 1}


def test_a_start_before_a_parent_had_completed_is_seen(tmp_path, done):
    with done.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE attempts SET started_at = started_at - 60000000 WHERE task_id = 2"
        )
    assert faults(tmp_path, done) == {"started before a parent had completed": 1}
    assert done.get(2).status is Status.COMPLETED
