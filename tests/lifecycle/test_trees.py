"""What tasks do to their processes: fork, escape, crash, run out of memory, hold the GIL."""

import os
import signal

import pytest

from jobrunner import NewTask
from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus
from tests.lifecycle import processes
from tests.lifecycle.conftest import SILENT, SOON
from tests.lifecycle.programs import HEARD

TREES = """
import resource, subprocess

def linger():
    subprocess.Popen(["sh", "-c", "echo $$ >> pids; exec sleep 60"], cwd=HERE)

@queue.task
def trees():
    context.progress(0, note="running")
    if context.attempt > 1:
        return
    linger()  # a child of the group
    if os.fork() == 0:  # a double fork, as daemons do
        linger()
        os._exit(0)
    os.wait()
    (HERE / "grown").touch()
    time.sleep(60)

@queue.task
def greedy():
    room = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + 2**26
    resource.setrlimit(resource.RLIMIT_AS, (room, resource.getrlimit(resource.RLIMIT_AS)[1]))
    return len(bytearray(2**31))

@queue.task
def exit_once():
    if context.attempt == 1:
        os._exit(7)

@queue.task
def hold_the_gil():
    context.progress(0, note="running")
    if context.attempt == 1:
        with open(HERE / "gil", "rb", buffering=0) as gil:
            # Keeps the GIL until there is something to read, as a long regular expression does.
            while ctypes.PyDLL(None).read(gil.fileno(), ctypes.create_string_buffer(1), 1):
                time.sleep(0.1)  # to the end of the file; others have a moment in between
    return context.attempt
"""


@pytest.fixture
def stage(stage):
    stage.write(TREES)
    return stage


def pids(stage):
    return {int(line) for line in (stage.folder / "pids").read_text().split()}


@pytest.mark.parametrize("end", ["cancel", "kill"])
@pytest.mark.parametrize("kind", ["function", "command"])
def test_all_that_a_task_has_forked_ends_with_it(stage, kind, end):
    if kind == "function":
        task = stage.enqueue("trees")
    else:
        grow = "sh -c 'echo $$ >> pids; exec sleep 60' & (sh -c 'echo $$ >> pids; exec sleep 60' &)"
        grown = "until test $(cat pids | wc -l) = 2; do :; done; echo > grown"
        script = f"{HEARD}; {grow}; {grown}; sleep 60"
        task = stage.queue.enqueue_command(["sh", "-c", script], cwd=str(stage.folder)).id
    worker = stage.worker(executor="process", concurrency=1)
    stage.until((stage.folder / "grown").exists)
    stage.until(lambda: len(pids(stage)) == 2)
    if end == "cancel":
        stage.queue.cancel(task)
        stage.queue.wait([task], timeout=60)
        assert stage.queue.get(task).status is Status.CANCELLED
    else:
        worker.kill()
    stage.until(lambda: not any(processes.is_alive(pid) for pid in pids(stage)))


def test_a_command_that_has_its_own_session_escapes_and_its_worker_goes_on(stage, finish):
    """As documented: only its group is ended with a command."""
    script = "setsid sh -c 'echo $$ >> pids; exec sleep 60' & until test -s pids; do :; done"
    task = stage.queue.enqueue_command(["sh", "-c", script], cwd=str(stage.folder)).id
    finish(stage.worker({"until_empty": True}))
    assert stage.queue.get(task).status is Status.COMPLETED
    (escaped,) = pids(stage)
    assert processes.is_alive(escaped)


def test_memory_that_is_refused_is_a_failure_and_a_process_that_ends_a_crash(stage, finish):
    greedy, ending = stage.enqueue("greedy", max_attempts=1), stage.enqueue("exit_once")
    finish(stage.worker({"until_empty": True}, executor="process", concurrency=1))
    assert stage.outcomes(greedy) == ["failed"]
    assert stage.queue.get(greedy).error.startswith("MemoryError")
    assert stage.outcomes(ending) == ["crashed", "completed"]
    assert stage.queue.history(ending)[0].error.endswith("exit code 7")


def beat(stage, worker_id):
    return {worker.id: worker.beat for worker in stage.queue.workers()}[worker_id]


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_a_task_that_holds_the_gil_takes_a_thread_worker_along_and_no_process_worker(
    stage, executor
):
    os.mkfifo(stage.folder / "gil")
    stage.worker(queues=["default"], heartbeat=0.2, lost_after=SILENT)
    stage.until(stage.queue.workers)
    task = stage.enqueue("hold_the_gil", queue="held")
    held = stage.worker(executor=executor, queues=["held"], heartbeat=0.2, lost_after=60)
    worker_id = stage.running(task)
    with (stage.folder / "gil").open("wb", buffering=0) as gil:
        if executor == "process":
            seen = beat(stage, worker_id)
            # Longer than `lost_after`: there are two beats a second.
            stage.until(lambda: beat(stage, worker_id) >= seen + 2 * SILENT + 2)
        else:

            def is_lost():
                return stage.worker_status(worker_id) is WorkerStatus.LOST

            while not stage.holds(is_lost, patience=SILENT + SOON):
                gil.write(b".")  # its heartbeat was in a transaction, and kept everybody out
    if executor == "process":
        assert stage.queue.wait([task], timeout=60)[0].returned == 1
        assert stage.worker_status(worker_id) is WorkerStatus.RUNNING
        return
    # It wakes up, starts over under a new id, and runs the task again.
    assert stage.queue.wait([task], timeout=60)[0].returned == 2
    lost, again = stage.queue.history(task)
    assert (lost.outcome, lost.worker_id) == ("lost", worker_id)
    assert again.worker_id != worker_id
    assert held.poll() is None


POISONS = {"pill": "exit code 1", "segfault": "killed by SIGSEGV"}


@pytest.mark.parametrize("pill", POISONS)
def test_a_poison_pill_among_1000_fast_tasks_fails_alone_under_a_scheduler(stage, finish, pill):
    task, others = poisoned(stage, pill)
    finish(stage.scheduler({"until_empty": True}, workers=2))
    fails_alone(stage, task, others, POISONS[pill])


def test_a_poison_pill_among_1000_fast_tasks_fails_alone_under_plain_workers(stage):
    """Whoever restarts a worker that dies gets past the pill: by hand, or systemd."""
    task, others = poisoned(stage, "segfault")
    deaths = 0
    while (worker := stage.worker({"until_empty": True})).wait(60) != 0:
        assert worker.returncode == -signal.SIGSEGV
        deaths += 1
    assert deaths == 2  # after two it runs alone, in a process of its own
    fails_alone(stage, task, others, POISONS["segfault"])


def poisoned(stage, pill):
    """500 fast tasks, the pill, 500 more."""
    new = [NewTask(function="nothing") for _ in range(1000)]
    new.insert(500, NewTask(function=pill))
    ids = stage.queue.enqueue_ids(new)
    return ids.pop(500), ids


def fails_alone(stage, task, others, cause):
    failed = stage.queue.get(task)
    assert failed.status is Status.FAILED
    assert failed.crashes == 5
    assert failed.error == f"poison pill, crashed 5 times; the last time: {cause}"
    assert stage.outcomes(task) == ["lost", "lost", "crashed", "crashed", "crashed"]
    found = stage.queue.find(limit=2000)
    assert {other.status for other in found if other.id != task} == {Status.COMPLETED}
    assert {other.id for other in found} == {task, *others}
