"""SIGSTOP, SIGCONT, SIGTERM: frozen workers are replaced, asked ones end in order."""

import os
import signal
import time

import pytest

from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus
from tests.lifecycle.conftest import SILENT, SOON

QUICK = {"heartbeat": 0.3, "lost_after": SILENT}


def test_the_late_write_of_a_frozen_worker_changes_nothing(stage):
    task = stage.enqueue("until_file", "go")
    frozen = stage.worker(**QUICK)
    worker_id = stage.running(task)
    stage.freeze(frozen.pid)
    stage.worker(**QUICK)
    stage.until(lambda: stage.worker_status(worker_id) is WorkerStatus.LOST)
    (stage.folder / "go").touch()  # both attempts may end now
    stage.queue.wait([task], timeout=60)
    before = (stage.queue.get(task), stage.queue.history(task))
    assert [record.outcome for record in before[1]] == ["lost", "completed"]
    assert before[1][0].error == f"it showed no life for {SILENT:g} s"
    frozen.send_signal(signal.SIGCONT)
    said = []
    while not said or said[-1].split()[0] != "WorkerStarted" or said[-1].split()[-1] == worker_id:
        said.append(frozen.stdout.readline())
        assert said[-1], said
    assert f"LeaseLost {task} {worker_id}\n" in said
    assert (stage.queue.get(task), stage.queue.history(task)) == before
    # It goes on under its new id.
    new_id = said[-1].split()[-1]
    assert stage.worker_status(new_id) is WorkerStatus.RUNNING
    stage.processes[1].send_signal(signal.SIGTERM)
    stage.processes[1].wait(60)
    again = stage.enqueue("nothing")
    stage.queue.wait([again], timeout=60)
    assert stage.queue.history(again)[0].worker_id == new_id


def test_a_worker_that_freezes_for_less_is_left_alone(stage):
    task = stage.enqueue("until_file", "go")
    frozen = stage.worker(heartbeat=0.3, lost_after=20)
    worker_id = stage.running(task)
    stage.freeze(frozen.pid)
    stage.worker(heartbeat=0.3, lost_after=20)
    other = stage.enqueue("nothing")
    stage.queue.wait([other], timeout=60)
    frozen.send_signal(signal.SIGCONT)
    (stage.folder / "go").touch()
    assert stage.queue.wait([task], timeout=60)[0].returned == 1
    assert stage.queue.history(task)[0].worker_id == worker_id


def test_after_sigterm_nothing_is_claimed_and_what_runs_may_finish(stage, finish):
    running = stage.enqueue("until_file", "go")
    worker = stage.worker(shutdown_grace=20, concurrency=2)
    worker_id = stage.running(running)
    worker.send_signal(signal.SIGTERM)
    stage.until(lambda: stage.worker_status(worker_id) is WorkerStatus.STOPPING)
    never = stage.enqueue("nothing")
    (stage.folder / "go").touch()
    finish(worker)
    assert stage.queue.get(running).status is Status.COMPLETED
    assert stage.queue.get(never).status is Status.PENDING
    assert stage.worker_status(worker_id) is WorkerStatus.STOPPED


def test_what_does_not_finish_in_its_grace_is_given_back_without_spending_the_attempt(
    stage, finish
):
    task = stage.enqueue("slow", 60)
    worker = stage.worker(shutdown_grace=0.3, kill_grace=0.2)
    stage.running(task)
    asked_at = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    finish(worker)
    assert time.monotonic() - asked_at < SOON
    given_back = stage.queue.get(task)
    assert (given_back.status, given_back.attempt, given_back.crashes) == (Status.PENDING, 0, 0)
    assert stage.outcomes(task) == ["released"]


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_a_second_sigterm_ends_a_worker_at_once(stage, finish, executor):
    task = stage.enqueue("slow", 60)
    worker = stage.worker(shutdown_grace=60, executor=executor)
    worker_id = stage.running(task)
    worker.send_signal(signal.SIGTERM)
    stage.until(lambda: stage.worker_status(worker_id) is WorkerStatus.STOPPING)
    asked_at = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    finish(worker)
    assert time.monotonic() - asked_at < SOON
    assert stage.queue.get(task).status is Status.PENDING
    assert stage.outcomes(task) == ["released"]


def test_a_command_that_ignores_sigterm_does_not_keep_its_worker(stage, finish):
    pid = stage.folder / "pid"
    command = ["sh", "-c", f"trap '' TERM; echo $$ > {pid}; while :; do sleep 0.1; done"]
    task = stage.queue.enqueue_command(command).id
    worker = stage.worker(shutdown_grace=0.3, kill_grace=0.3)
    stage.until(lambda: pid.exists() and pid.read_text())
    worker.send_signal(signal.SIGTERM)
    finish(worker)
    assert stage.queue.get(task).status is Status.PENDING
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_sigterm_to_the_scheduler_stops_its_workers_in_order(stage, finish):
    running = stage.enqueue("until_file", "go")
    scheduler = stage.scheduler(workers=2, shutdown_grace=20)
    stage.running(running)
    stage.until(lambda: len(stage.queue.workers()) == 2)
    scheduler.send_signal(signal.SIGTERM)
    stage.until(
        lambda: {worker.status for worker in stage.queue.workers()} & {WorkerStatus.STOPPING}
    )
    (stage.folder / "go").touch()
    finish(scheduler)
    assert stage.queue.get(running).status is Status.COMPLETED
    assert {worker.status for worker in stage.queue.workers()} == {WorkerStatus.STOPPED}


def test_two_sigterms_in_a_row_end_a_scheduler_at_once(stage, finish):
    task = stage.enqueue("slow", 60)
    scheduler = stage.scheduler(workers=1, shutdown_grace=60)
    stage.running(task)
    asked_at = time.monotonic()
    scheduler.send_signal(signal.SIGTERM)
    stage.until(
        lambda: {worker.status for worker in stage.queue.workers()} == {WorkerStatus.STOPPING}
    )
    scheduler.send_signal(signal.SIGTERM)
    finish(scheduler)
    assert time.monotonic() - asked_at < SOON
    assert stage.outcomes(task) == ["released"]


def test_a_worker_that_is_told_to_stop_before_it_begins_ends_in_order(stage, finish):
    process = stage.python(
        "import app\nfrom jobrunner import Worker\n"
        "worker = Worker(app.queue)\nworker.stop()\nprint(worker.run())"
    )
    assert "0" in finish(process).splitlines()
