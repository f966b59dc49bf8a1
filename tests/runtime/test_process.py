"""Child processes: recycled, killed, crashed, and still nobody else suffers."""

import multiprocessing
import os
import signal
import threading
from multiprocessing import forkserver
from pathlib import Path

import pytest

from jobrunner.core.status import Status
from jobrunner.runtime.executors import child, process
from jobrunner.runtime.guard import Guard
from jobrunner.storage import progress
from tests.runtime import functions as f
from tests.runtime.support import PATIENCE, outcomes, until


@pytest.mark.parametrize(
    ("function", "cause"),
    [
        (f.exit_process.bind(3), "exit code 3"),
        (f.exit_process.bind(0), "exit code 0"),
        (f.segfault.bind(), "killed by SIGSEGV"),
    ],
    ids=["exit 3", "exit 0", "segmentation fault"],
)
def test_a_child_that_dies_is_a_crash_with_its_cause(queue, drain, function, cause):
    task = queue.enqueue(function)
    drain(executor="process")
    failed = queue.get(task.id)
    assert failed.status is Status.FAILED
    assert failed.error == f"poison pill, crashed 5 times; the last time: {cause}"
    assert [record.error for record in queue.history(task.id)] == [cause] * 5
    assert (failed.crashes, failed.attempt) == (5, 5)


def test_system_exit_in_a_task_is_a_failure_not_a_crash(queue, drain):
    task = queue.enqueue(f.leave_by_exit.using(max_attempts=1).bind())
    drain(executor="process")
    assert queue.get(task.id).error == "SystemExit: 4"
    assert outcomes(queue, task.id) == ["failed"]


def test_functions_run_in_another_process(queue, drain):
    task = queue.enqueue(f.pid.bind())
    drain(executor="process")
    assert task.result() != os.getpid()


def test_a_child_runs_many_tasks(queue, drain):
    tasks = queue.enqueue_many([f.pid.bind() for _ in range(20)])
    drain(executor="process", concurrency=1)
    assert len({task.result() for task in tasks}) == 1


def test_a_child_is_recycled_after_its_share(queue, drain, monkeypatch):
    monkeypatch.setattr(process, "RECYCLE_AFTER", 4)
    tasks = queue.enqueue_many([f.pid.bind() for _ in range(12)])
    drain(executor="process", concurrency=1)
    assert len({task.result() for task in tasks}) == 3


def test_a_task_that_has_crashed_twice_runs_alone_even_in_a_thread_worker(queue, drain):
    from sqlalchemy import text

    task = queue.enqueue(f.pid.bind())
    with queue.transaction() as transaction:
        transaction.execute(text("UPDATE tasks SET crashes = 2, attempt = 2"))
    drain(executor="thread")
    assert task.result() != os.getpid()


def test_a_pill_in_a_thread_worker_that_runs_alone_does_not_kill_it(queue, drain):
    from sqlalchemy import text

    pill = queue.enqueue(f.exit_process.bind(9))
    with queue.transaction() as transaction:
        transaction.execute(text("UPDATE tasks SET crashes = 2, attempt = 2"))
    others = queue.enqueue_many([f.add.bind(n, 0) for n in range(20)])
    drain(executor="thread")
    assert outcomes(queue, pill.id) == ["crashed"] * 3
    assert "the last time: exit code 9" in queue.get(pill.id).error
    assert [task.result() for task in others] == list(range(20))


def test_a_child_that_is_killed_from_outside_costs_one_crash(queue, start_worker, tmp_path):
    task = queue.enqueue(f.outlive.bind(str(tmp_path)))
    start_worker(executor="process", concurrency=1)
    until(queue, lambda: queue.get(task.id).progress)
    os.kill(int(queue.get(task.id).progress.note), signal.SIGKILL)
    until(queue, lambda: queue.get(task.id).crashes == 1)
    until(queue, lambda: queue.get(task.id).status is Status.IN_PROGRESS)
    assert queue.history(task.id)[0].error == "killed by SIGKILL"


def test_a_child_that_starts_takes_no_exit_code_away(monkeypatch):
    """At each start multiprocessing looks after all there are, and a code is told but once."""
    guard, children, read = Guard(), [], forkserver.read_signed
    start = threading.Thread(target=lambda: children.append(process.Child(guard)))

    def with_another_start(descriptor):
        monkeypatch.setattr(forkserver, "read_signed", read)
        start.start()
        start.join(0.5)
        return read(descriptor)

    dying = process.Child(guard)
    os.kill(dying.pid, signal.SIGKILL)
    monkeypatch.setattr(forkserver, "read_signed", with_another_start)
    assert dying.close() == -signal.SIGKILL
    start.join(PATIENCE)
    for other in children:
        other.close()
    guard.close()


def test_trouble_with_the_database_reaches_the_function_that_saves(queue, drain, monkeypatch):
    """And the child goes on to serve others."""

    def full(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(progress, "save", full)
    troubled = queue.enqueue(f.report_twice.using(max_attempts=1).bind())
    after = queue.enqueue(f.add.bind(1, 1))
    drain(executor="process", concurrency=1)
    assert "no space left" in queue.get(troubled.id).error
    assert after.result() == 2


def test_no_child_is_left_when_the_worker_has_ended(queue, drain):
    queue.enqueue_many([f.pid.bind() for _ in range(4)])
    drain(executor="process", concurrency=2)
    until(queue, lambda: not multiprocessing.active_children())


def test_what_a_function_has_left_running_ends_with_its_child(queue, start_worker, monkeypatch):
    monkeypatch.setattr(process, "RECYCLE_AFTER", 1)
    worker = start_worker(executor="process", concurrency=1)
    left, _ = queue.wait(queue.enqueue_many([f.leave_running.bind(), f.pid.bind()]), timeout=60)
    until(queue, lambda: not Path(f"/proc/{left.result()}").exists())
    worker.stop()
    worker.join()


def test_a_child_that_has_died_at_rest_is_no_crash_of_the_next_task(queue, start_worker):
    start_worker(executor="process", concurrency=1)
    first = queue.enqueue(f.pid.bind())
    dead = queue.wait([first], timeout=PATIENCE)[0].returned
    os.kill(dead, signal.SIGKILL)
    until(queue, lambda: not Path(f"/proc/{dead}").exists())
    after = queue.enqueue(f.pid.bind())
    assert queue.wait([after], timeout=PATIENCE)[0].returned != dead
    assert outcomes(queue, after.id) == ["completed"]


def test_output_that_nobody_reads_is_no_crash(queue, drain):
    tasks = queue.enqueue_many([f.print_to_nobody.bind() for _ in range(3)])
    drain(executor="process", concurrency=1)
    assert [outcomes(queue, task.id) for task in tasks] == [["completed"]] * 3
    assert len({task.refresh().returned for task in tasks}) == 1


def test_a_child_whose_worker_has_died_ends_without_a_word(capfd):
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    ours.close()
    orphan = context.Process(target=child.serve, args=(theirs,))
    orphan.start()
    theirs.close()
    orphan.join(60)
    assert orphan.exitcode == 0
    assert capfd.readouterr().err == ""
