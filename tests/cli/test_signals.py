"""`jobrunner work` as a process: SIGTERM and SIGINT, whatever it is doing; its final report."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from jobrunner.runtime.clock import SystemClock
from jobrunner.runtime.wakeup import Wakeup

PATIENCE = 60.0
QUICK = ("--shutdown-grace", "0.3", "--kill-grace", "0.2", "-c", "1")
DEAF = ["sh", "-c", "trap '' TERM; : > running; while :; do sleep 0.1; done"]


def until(cli, condition):
    """Wait until something holds, looking again whenever the database changes."""
    wakeup = Wakeup(cli.queue.database.watch(), SystemClock())
    deadline = time.monotonic() + PATIENCE
    try:
        while not condition():
            assert time.monotonic() < deadline
            wakeup.wait(0.05)
    finally:
        wakeup.close()


def signalled(cli, number, *words, ready, again=None):
    """Start a worker, send a signal once it is ready, and another one at `again`.

    Returns its exit code and what it said.
    """
    process = cli.start("-A", "application:queue", "work", *QUICK, *words, start_new_session=True)
    try:
        until(cli, ready)
        process.send_signal(number)
        if again is not None:
            until(cli, again)
            process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert "Traceback" not in err
    return process.returncode, out, err


@pytest.fixture
def at_work(cli):
    return lambda: any(worker.stopped_at is None for worker in cli.queue.workers())


@pytest.fixture
def running(cli):
    return (cli.folder / "running").exists


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_idle_worker_ends_in_order(cli, at_work, number, code, workers):
    ended, out, err = signalled(cli, number, "--workers", workers, ready=at_work)
    assert (ended, out) == (code, "")
    assert "stopping" in err
    assert {worker.status for worker in cli.queue.workers()} == {"stopped"}


def test_a_function_that_listens_is_given_back_without_spending_the_attempt(cli, running):
    cli.enqueue("patient")
    ended, _, _ = signalled(cli, signal.SIGTERM, ready=running)
    task = cli.queue.get(1)
    assert ended == 143
    assert (task.status, task.attempt) == ("pending", 0)
    assert [one.outcome for one in cli.queue.history(1)] == ["released"]


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_a_function_that_does_not_listen_cannot_keep_the_worker(cli, running, executor):
    cli.enqueue("deaf")
    begun = time.monotonic()
    ended, _, _ = signalled(cli, signal.SIGTERM, "--executor", executor, ready=running)
    assert ended == 143
    assert time.monotonic() - begun < 15
    assert cli.queue.get(1).status == "pending"


def test_a_command_that_ignores_sigterm_is_killed_and_given_back(cli, running):
    cli.enqueue(command=DEAF)
    ended, _, _ = signalled(cli, signal.SIGTERM, ready=running)
    assert ended == 143
    assert (cli.queue.get(1).status, cli.queue.get(1).attempt) == ("pending", 0)


def test_a_second_signal_ends_it_at_once(cli, running):
    cli.enqueue(command=DEAF)
    words = ("--shutdown-grace", "60", "--kill-grace", "60")

    def stopping():
        return any(worker.status == "stopping" for worker in cli.queue.workers())

    ended, _, _ = signalled(cli, signal.SIGTERM, *words, ready=running, again=stopping)
    assert ended == 143
    assert cli.queue.get(1).status == "pending"


def test_several_workers_end_in_order_with_their_work_given_back(cli, running):
    cli.enqueue(command=DEAF)
    ended, _, _ = signalled(cli, signal.SIGTERM, "--workers", 2, ready=running)
    assert ended == 143
    assert cli.queue.get(1).status == "pending"
    assert cli.queue.check() == []


def test_ctrl_c_reaches_the_whole_group_and_the_worker_still_ends_in_order(cli, running):
    cli.enqueue("patient")
    process = cli.start("-A", "application:queue", "work", *QUICK, start_new_session=True)
    until(cli, running)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert cli.queue.get(1).status == "pending"


def has_open(pid, path):
    """Whether a process has got as far as to the database."""
    opened = Path(f"/proc/{pid}/fd").iterdir()
    return any(os.path.realpath(descriptor) == str(path) for descriptor in opened)


def test_a_command_that_waits_ends_at_once(cli):
    cli.enqueue()
    process = cli.start("task", "wait", 1)
    until(cli, lambda: has_open(process.pid, cli.folder / "jobs.db"))
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode in {130, -signal.SIGINT}
    assert out == ""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_with_an_end_reports_on_stdout_and_talks_on_stderr(cli, workers):
    cli.enqueue()
    words = ("-A", "application:queue", "work", "--until-empty", "--workers", workers)
    ran = cli.process(*words, "--json")
    assert ran.code == 0
    assert ran.json["tasks"]["completed"] == 1
    assert "started" in ran.err
    ran = cli.process(*words)
    assert ran.out.startswith("Tasks     1: 1 completed")


def test_the_log_can_be_json_lines(cli):
    cli.enqueue()
    words = ("-A", "application:queue", "work", "--until-empty", "--log-format", "json", "-v")
    events = [json.loads(line)["event"] for line in cli.process(*words).err.splitlines()]
    assert events == ["worker_started", "task_started", "task_settled", "worker_stopped"]


def test_it_can_end_after_a_time_and_after_so_many_tasks(cli):
    cli.enqueue()
    cli.enqueue()
    words = ("-A", "application:queue", "work", "-c", "1")
    assert cli.process(*words, "--max-tasks", "1").code == 0
    assert cli.queue.counts()["pending"] == 1
    assert cli.process(*words, "--duration", "1").code == 0
    assert cli.queue.counts()["pending"] == 0
