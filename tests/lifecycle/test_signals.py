"""TERM, INT, QUIT and KILL to scheduler, worker and child, idle, running or ignoring them."""

import os
import shutil
import time
from signal import SIGINT, SIGKILL, SIGQUIT, SIGTERM
from typing import NamedTuple

import pytest

from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus
from tests.lifecycle import processes
from tests.lifecycle.conftest import SOON
from tests.lifecycle.programs import HEARD

SIGNALS = (SIGTERM, SIGINT, SIGQUIT, SIGKILL)
WORK = ("work", "--concurrency=1", "--shutdown-grace=0.2s", "--kill-grace=0.2s")

COMMANDS = {
    "running": f"{HEARD}; echo > began; sleep 60 & wait",
    "ignoring": f"{HEARD}; trap '' TERM INT; echo > began; while :; do sleep 0.1; done",
}


class End(NamedTuple):
    """What must have happened after a signal, besides that no process is left."""

    exit_code: int
    workers: WorkerStatus
    outcome: str
    crashes: int


STOPPED, LOST = WorkerStatus.STOPPED, WorkerStatus.LOST
IN_ORDER, BY_RESCUE = ("released", 0), ("lost", 1)

# A worker under a scheduler is told to stop when that is gone, whatever ended it.
ENDS = {
    ("scheduler", SIGTERM): End(143, STOPPED, *IN_ORDER),
    ("scheduler", SIGINT): End(130, STOPPED, *IN_ORDER),
    ("scheduler", SIGQUIT): End(-SIGQUIT, STOPPED, *IN_ORDER),
    ("scheduler", SIGKILL): End(-SIGKILL, STOPPED, *IN_ORDER),
    ("worker", SIGTERM): End(143, STOPPED, *IN_ORDER),
    ("worker", SIGINT): End(130, STOPPED, *IN_ORDER),
    ("worker", SIGQUIT): End(-SIGQUIT, LOST, *BY_RESCUE),
    ("worker", SIGKILL): End(-SIGKILL, LOST, *BY_RESCUE),
}


def sweep(stage):
    """Have somebody else look after those who have died."""
    return stage.command("work", "--queue=nobody", "--until-empty")


@pytest.mark.parametrize("state", ["idle", "running", "ignoring"])
@pytest.mark.parametrize(("target", "number"), ENDS, ids=str)
def test_a_signal_leaves_no_orphan_and_loses_no_task(stage, finish, target, number, state):
    expected = ENDS[target, number]
    process = stage.command(*WORK, "--workers=2" if target == "scheduler" else "--workers=1")
    size = 2 if target == "scheduler" else 1
    task = None
    if state != "idle":
        command = ["sh", "-c", COMMANDS[state]]
        task = stage.queue.enqueue_command(command, cwd=str(stage.folder)).id
        stage.until((stage.folder / "began").exists)
    stage.until(lambda: len(stage.queue.workers()) == size)
    sent_at = time.monotonic()
    process.send_signal(number)
    process.wait(60)
    stage.until(lambda: not stage.alive())
    assert time.monotonic() - sent_at < SOON
    assert process.returncode == expected.exit_code
    if expected.workers is LOST:
        finish(sweep(stage))
    of_it = stage.queue.workers()[:size]
    assert {worker.status for worker in of_it} == {expected.workers}
    if task is not None:
        ended = stage.queue.get(task)
        assert (ended.status, ended.crashes) == (Status.PENDING, expected.crashes)
        assert stage.outcomes(task) == [expected.outcome]


# A worker that was told to go is not replaced; SIGINT is its scheduler's affair.
UNDER_A_SCHEDULER = {
    SIGTERM: (STOPPED, "released", 2),
    SIGINT: (WorkerStatus.RUNNING, None, 2),
    SIGQUIT: (LOST, "lost", 3),
    SIGKILL: (LOST, "lost", 3),
}


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_to_one_worker_of_a_scheduler(stage, number):
    status, outcome, started = UNDER_A_SCHEDULER[number]
    process = stage.command(*WORK, "--workers=2")
    task = stage.enqueue("slow", 60)
    worker_id = stage.running(task)
    stage.until(lambda: len(stage.queue.workers()) == 2)
    processes.send(number, stage.pid_of(worker_id))
    if outcome is not None:
        stage.until(lambda: stage.queue.get(task).worker_id not in {None, worker_id})
        assert stage.outcomes(task) == [outcome]
    stage.until(lambda: len(stage.queue.workers()) == started)
    stage.until(lambda: stage.worker_status(worker_id) is status)
    process.send_signal(SIGTERM)
    assert process.wait(60) == 128 + SIGTERM
    stage.until(lambda: not stage.alive())
    assert stage.nobody_is_running()
    assert stage.outcomes(task)[-1] == "released"


CHILDREN = """
import signal

@queue.task
def pid_of():
    return os.getpid()

@queue.task
def run_once():
    context.progress(0, note=str(os.getpid()))
    while context.attempt == 1 and not (HERE / "go").exists():
        time.sleep(0.01)

@queue.task
def ignore_once():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run_once()
"""


def child_of(stage, task):
    """Wait until a task runs; returns the child process that runs it."""
    stage.running(task)
    return int(stage.queue.get(task).progress.note)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_to_a_child_is_a_crash_of_what_it_ran_and_of_nothing_else(stage, finish, number):
    stage.write(CHILDREN)
    worker = stage.worker(executor="process", concurrency=1)
    idle = stage.queue.wait([stage.enqueue("pid_of")], timeout=60)[0].returned
    processes.send(number, idle)
    stage.until(lambda: not processes.is_alive(idle))

    running = stage.enqueue("run_once")
    child = child_of(stage, running)
    assert child != idle
    processes.send(number, child)
    assert stage.queue.wait([running], timeout=60)[0].crashes == 1
    assert stage.outcomes(running) == ["crashed", "completed"]
    assert stage.queue.history(running)[0].error.endswith(f"killed by {number.name}")

    ignoring = stage.enqueue("ignore_once")
    processes.send(number, child_of(stage, ignoring))
    withstood = number in {SIGTERM, SIGINT}
    if withstood:
        (stage.folder / "go").touch()
    stage.queue.wait([ignoring], timeout=60)
    assert stage.outcomes(ignoring) == (["completed"] if withstood else ["crashed", "completed"])
    worker.send_signal(SIGTERM)
    finish(worker)
    stage.until(lambda: not stage.alive())


def test_a_worker_that_is_process_1_ends_at_sigterm(stage):
    unshare = shutil.which("unshare")
    assert unshare, "unshare of util-linux is needed"
    alone = [unshare, "--pid", "--fork", "--mount-proc", "--kill-child"]
    if os.getuid() != 0:
        alone.insert(1, "--map-root-user")
    task = stage.enqueue("slow", 60)
    outer = stage.command(*WORK, before=alone)
    stage.running(task)
    assert [worker.pid for worker in stage.queue.workers()] == [1]
    (first,) = [pid for pid in stage.alive() if processes.parent(pid) == outer.pid]
    processes.send(SIGTERM, first)
    outer.wait(60)
    assert outer.returncode == 128 + SIGTERM
    assert stage.outcomes(task) == ["released"]
    assert stage.queue.workers()[0].status is STOPPED
