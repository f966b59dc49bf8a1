"""Commands: exit codes, output, what cannot start, what does not want to end."""

import errno
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from jobrunner import NewTask
from jobrunner.core.events import WorkerStopping
from jobrunner.core.status import Status
from jobrunner.core.written import KEEP
from jobrunner.runtime.executors import command
from tests.runtime.support import PATIENCE, outcomes, until

FLOOD = "import sys; sys.stdout.write('A' * 5_000_000 + 'M' * 5_000_000 + 'Z' * 100_000)"


def shell(script, **options):
    return NewTask(command=["sh", "-c", script], **({"max_attempts": 1} | options))


@pytest.fixture
def run(queue, drain):
    """Run one command to its end; returns the task and the record of its last attempt."""

    def run(new, **settings):
        task = queue.enqueue(new)
        drain(**settings)
        return task.refresh(), queue.history(task.id)[-1]

    return run


@pytest.fixture
def overrun(queue, start_worker, monkeypatch):
    """Run one command whose time is over once it is `ready`, and no sooner: the clock leaps."""

    def overrun(script, ready, **settings):
        task = queue.enqueue(shell(script, timeout=timedelta(seconds=20)))
        start_worker(**settings)
        until(queue, lambda: ready.exists() and ready.read_text())
        monotonic = queue.clock.monotonic
        monkeypatch.setattr(queue.clock, "monotonic", lambda: monotonic() + 20)
        queue.wait([task], timeout=PATIENCE)
        return task.refresh(), queue.history(task.id)[-1]

    return overrun


def alive(pid):
    """Whether a process runs; a zombie, which nobody has buried yet, does not."""
    try:
        return Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def is_gone(queue, *pids):
    until(queue, lambda: not any(alive(pid) for pid in pids))


def test_exit_code_0_completes_and_is_the_result(run):
    task, record = run(shell("echo out; echo err >&2"))
    assert task.result() == 0
    assert (record.exit_code, record.stdout, record.stderr) == (0, "out\n", "err\n")


def test_another_exit_code_fails_with_the_last_line_of_stderr(run):
    task, record = run(shell("echo out; echo first >&2; echo last >&2; exit 3"))
    assert task.status is Status.FAILED
    assert task.error == "exit code 3: last"
    assert (record.exit_code, record.stdout) == (3, "out\n")


def test_a_signal_fails_and_is_named(run):
    task, record = run(shell("kill -SEGV $$"))
    assert task.error == "killed by SIGSEGV"
    assert record.exit_code == -signal.SIGSEGV


def test_of_10_megabytes_the_beginning_and_the_end_are_kept(run):
    _, record = run(NewTask(command=[sys.executable, "-c", FLOOD]))
    head, note, tail = record.stdout.split("\n")
    assert head == "A" * KEEP
    assert tail == "Z" * KEEP
    assert note == f"… {10_100_000 - 2 * KEEP:,} characters left out …"


def test_output_that_is_no_text_is_stored_as_text(run):
    task, record = run(shell(r"printf 'a\000b\377c'"))
    assert task.status is Status.COMPLETED
    assert record.stdout == "a\N{SYMBOL FOR NULL}b\N{REPLACEMENT CHARACTER}c"


def test_a_missing_program_fails_at_once(run):
    task, record = run(NewTask(command=["no-such-program"]))
    assert task.status is Status.FAILED
    assert (
        task.error == "cannot start 'no-such-program': No such file or directory (no-such-program)"
    )
    assert record.exit_code == 127


def test_a_missing_folder_fails_at_once_and_is_named(run, tmp_path):
    task, _ = run(NewTask(command=["true"], cwd=str(tmp_path / "gone")))
    assert task.error == f"cannot start 'true': No such file or directory ({tmp_path / 'gone'})"


def test_a_file_that_is_no_program_fails_at_once(run, tmp_path):
    (tmp_path / "text").write_text("no program")
    task, _ = run(NewTask(command=[str(tmp_path / "text")]))
    assert "Permission denied" in task.error


def test_a_command_runs_where_it_was_told_to_and_knows_its_task(run, tmp_path):
    task, record = run(shell("pwd; echo $JOBRUNNER_TASK_ID $JOBRUNNER_ATTEMPT", cwd=str(tmp_path)))
    assert record.stdout == f"{tmp_path}\n{task.id} 1\n"


def test_a_command_has_no_input(run):
    terminal = os.dup(0)
    ours, theirs = os.pipe()
    os.write(theirs, b"typed by somebody")
    os.close(theirs)
    os.dup2(ours, 0)  # what pytest has put there says nothing to anybody
    try:
        _, record = run(shell("cat"))
    finally:
        os.dup2(terminal, 0)
        os.close(terminal)
        os.close(ours)
    assert record.stdout == ""


def test_a_command_that_ignores_sigterm_is_killed_with_all_it_started(queue, overrun, tmp_path):
    pids = tmp_path / "pids"
    script = f"trap '' TERM; sh -c 'trap \"\" TERM; sleep 60' & echo $$ $! > {pids}; wait"
    task, record = overrun(script, pids)
    assert task.error == "ran longer than 20 s"
    assert record.exit_code == -signal.SIGKILL
    is_gone(queue, *pids.read_text().split())


def test_a_command_that_heeds_sigterm_may_end_in_its_own_way(overrun, tmp_path):
    on = tmp_path / "on"
    script = f"trap 'echo bye; exit 7' TERM; echo > {on}; while :; do sleep 0.05; done"
    task, record = overrun(script, on, kill_grace=PATIENCE)
    assert task.error == "ran longer than 20 s"
    assert (record.exit_code, record.stdout) == (7, "bye\n")


def test_a_process_that_leaves_its_group_outlives_a_kill(overrun, tmp_path):
    """The documented limit: who calls setsid is on his own."""
    overrun(f"setsid sh -c 'echo $$ > {tmp_path}/pid; sleep 60' & sleep 60", tmp_path / "pid")
    pid = int((tmp_path / "pid").read_text())
    assert alive(pid)
    os.killpg(pid, signal.SIGKILL)


def test_a_process_left_in_the_background_does_not_hold_the_slot(run):
    task, record = run(shell("sleep 20 & echo done"))
    assert task.status is Status.COMPLETED
    assert (task.finished_at - task.started_at).total_seconds() < 10
    assert record.stdout == "done\n"


def test_a_process_that_floods_in_the_background_does_not_hold_the_slot(run):
    task, _ = run(shell("yes & echo $! >&2; sleep 0.2"))
    assert task.status is Status.COMPLETED
    assert (task.finished_at - task.started_at).total_seconds() < 10


def test_a_command_that_closes_its_streams_is_waited_for(run):
    task, record = run(shell("exec >&- 2>&-; sleep 0.3; exit 4"))
    assert task.error == "exit code 4"
    assert (record.ended_at - record.started_at).total_seconds() >= 0.3


def test_a_command_that_fails_by_itself_while_the_worker_stops_has_failed(
    queue, start_worker, events, tmp_path
):
    """It was told nothing: the failure is its own."""
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    task = queue.enqueue(shell(f"touch {tmp_path}/on; read line < {fifo}; exit 3"))
    started = start_worker(shutdown_grace=20)
    until(queue, (tmp_path / "on").exists)
    started.stop()
    events.wait(WorkerStopping)
    fifo.write_text("go\n")
    started.join()
    assert queue.get(task.id).error == "exit code 3"
    assert outcomes(queue, task.id) == ["failed"]


def test_a_command_may_finish_while_the_worker_stops(queue, start_worker, events, tmp_path):
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    task = queue.enqueue(shell(f"touch {tmp_path}/on; read line < {fifo}; echo $line"))
    started = start_worker(shutdown_grace=20)
    until(queue, (tmp_path / "on").exists)
    started.stop()
    events.wait(WorkerStopping)
    fifo.write_text("finished\n")
    started.join()
    assert queue.get(task.id).status is Status.COMPLETED
    assert queue.history(task.id)[0].stdout == "finished\n"


def test_a_stop_at_once_kills_the_whole_group(queue, start_worker, tmp_path):
    task = queue.enqueue(shell(f"sleep 60 & echo $$ $! > {tmp_path}/pids; wait"))
    started = start_worker(shutdown_grace=20)
    until(queue, lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text())
    started.stop_at_once()
    is_gone(queue, *(tmp_path / "pids").read_text().split())
    assert queue.get(task.id).status is Status.PENDING


def test_a_group_that_outlives_its_leader_is_killed_too(queue, overrun, tmp_path):
    script = f"trap '' TERM; sleep 60 & trap - TERM; echo $! > {tmp_path}/pid; wait"
    task, last = overrun(script, tmp_path / "pid")
    assert (task.status, last.outcome) == (Status.FAILED, "timed_out")
    is_gone(queue, (tmp_path / "pid").read_text())


def test_a_group_that_outlives_its_leader_in_silence_is_killed_too(queue, overrun, tmp_path):
    stubborn = f"trap '' TERM; echo $$ > {tmp_path}/pid; sleep 60; sleep 60"
    script = f'sh -c "{stubborn.replace("$", chr(92) + "$")}" > /dev/null 2>&1 & wait'
    assert overrun(script, tmp_path / "pid")[0].status is Status.FAILED
    is_gone(queue, (tmp_path / "pid").read_text())


@pytest.mark.parametrize(
    ("number", "status"), [(errno.EAGAIN, Status.SCHEDULED), (errno.ENOEXEC, Status.FAILED)]
)
def test_what_cannot_start_for_want_of_processes_is_tried_again(
    queue, start_worker, monkeypatch, number, status
):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(command.CommandExecutor, "_start", fail)
    task = queue.enqueue(NewTask(command=["true"]))
    start_worker()
    until(queue, lambda: queue.get(task.id).status is status)
    assert queue.get(task.id).error == f"cannot start 'true': {os.strerror(number)}"
