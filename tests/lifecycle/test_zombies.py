"""A frozen worker that comes back changes nothing, wherever it was frozen."""

import contextlib
import signal

import pytest

from jobrunner.core.worker import WorkerStatus
from tests.lifecycle import processes

LATE = """
from jobrunner import DatabaseError, LeaseLostError

# A server has ended the transaction in which one was frozen.
REFUSED = LeaseLostError if queue.database.path else (LeaseLostError, DatabaseError)

def late(write):
    context.progress(0, note="running")
    if context.attempt > 1:
        return "in time"
    while not (HERE / "go").exists():
        time.sleep(0.01)
    return told(write)

def told(write):
    try:
        return write()
    except REFUSED:
        say(f"refused:{context.task_id}")
        raise

def save(): context.checkpoint("late")

def follow_up():
    save()
    queue.enqueue(NewTask(function="nothing", description="late"))

@queue.task
def late_result(): return late(lambda: "late")

@queue.task
def late_progress(): return late(lambda: context.progress(9, note="late"))

@queue.task
def late_checkpoint(): return late(save)

@queue.task
def late_follow_up(): return late(follow_up)

@queue.task
def in_a_checkpoint():
    context.progress(0, note="running")
    if context.attempt > 1:
        return "in time"
    while not (HERE / "save").exists():
        time.sleep(0.01)
    say(f"saving:{context.task_id}")
    return told(save)
"""
KINDS = ("late_result", "late_progress", "late_checkpoint", "late_follow_up", "in_a_checkpoint")

ZOMBIE = """
import time, app
from jobrunner import Worker
from jobrunner.runtime.keepalive import Keepalive

once = Keepalive._once

def beat_when_told(self):  # so that the tasks write before the worker knows of its loss
    while (app.HERE / "save").exists() and not (app.HERE / "beat").exists():
        time.sleep(0.01)
    return once(self)

def tell(event):
    print(type(event).__name__, getattr(event, "task_id", ""), event.worker_id, flush=True)

if __name__ == "__main__":
    if app.queue.database.path is None:  # as a rule a server gives 30 s to who is frozen
        app.queue.relocate(app.LOCATION + "&options=-c%20idle_in_transaction_session_timeout=2s")
    Keepalive._once = beat_when_told
    app.queue.emit = tell
    Worker(app.queue, concurrency={kinds}, kill_grace=0.3, **{options}).run()
"""


def hear(process, count, word):
    """What a process says until it has said a word so often."""
    said = []
    while sum(line.split()[0] == word for line in said) < count:
        said.append(process.stdout.readline())
        assert said[-1], said
    return said


def ids_of(said, word):
    return [line.split()[-1] for line in said if line.split()[0] == word]


def freeze(stage, *frozen):
    """Stop processes with all that they have started."""
    everyone = stage.alive()
    pids = {pid for process in frozen for pid in processes.descendants(process.pid, everyone)}
    processes.send(signal.SIGSTOP, *pids)
    stage.until(lambda: {processes.state(pid) for pid in pids} == {"T"})
    return pids


def logged(stage, word):
    return {int(line.partition(":")[2]) for line in stage.log() if line.startswith(word)}


def without_others(rows, worker_ids):
    *tables, workers = rows
    return [*tables, [row for row in workers if row.id in worker_ids]]


@contextlib.contextmanager
def others_wait(database):
    """Keep others from writing: before they begin, and on a server in the midst of it."""
    with database.writing() as transaction:
        if database.path is None:
            transaction.exec_driver_sql("LOCK TABLE tasks, progress IN EXCLUSIVE MODE")
        yield


@pytest.fixture
def zombies(stage):
    """Four workers, two by thread and two by process, each frozen with five tasks in hand."""
    stage.write(LATE)
    started, tasks = [], {}
    for number, executor in enumerate(["thread", "thread", "process", "process"]):
        options = {"executor": executor, "queues": [f"q{number}"]}
        started.append(stage.python(ZOMBIE.format(kinds=len(KINDS), options=options)))
        tasks |= {stage.enqueue(kind, queue=f"q{number}"): kind for kind in KINDS}
    for task in tasks:
        stage.running(task)
    saving = {task for task, kind in tasks.items() if kind == "in_a_checkpoint"}
    with others_wait(stage.queue.database):
        (stage.folder / "save").touch()
        stage.until(lambda: logged(stage, "saving") == saving)
        frozen = freeze(stage, *started)
    return started, tasks, frozen


def rescued_and_finished(stage, tasks):
    """Have another worker run all of them, and their dependents, to the end; returns all rows."""
    dependents = [stage.enqueue("nothing", after=[task], queue="x") for task in tasks]
    other = stage.worker(concurrency=20, heartbeat=0.3, lost_after=1.5)
    stage.queue.wait([*tasks, *dependents], timeout=60)
    other.send_signal(signal.SIGTERM)
    assert other.wait(60) == 0
    return stage.rows()


def test_in_20_tries_of_20_a_frozen_worker_changes_no_row(stage, zombies):
    started, tasks, frozen = zombies
    before = rescued_and_finished(stage, tasks)
    lost = {row.id for row in before[-1] if row.status == WorkerStatus.LOST}
    assert len(lost) == len(started)

    (stage.folder / "go").touch()
    processes.send(signal.SIGCONT, *frozen)
    said = [hear(process, len(KINDS), "LeaseLost") for process in started]
    assert logged(stage, "refused") == {t for t, kind in tasks.items() if kind != "late_result"}
    (stage.folder / "beat").touch()
    new = [ids_of(hear(process, 1, "WorkerStarted"), "WorkerStarted")[-1] for process in started]
    told = [line.split()[1] for lines in said for line in lines if "LeaseLost" in line]
    assert sorted(map(int, told)) == sorted(tasks)
    assert without_others(stage.rows(), {row.id for row in before[-1]}) == before
    assert {stage.queue.get(task).returned for task in tasks} == {"in time"}

    again = [stage.enqueue("nothing", queue=f"q{number}") for number in range(len(started))]
    stage.queue.wait(again, timeout=60)
    assert [stage.queue.history(task)[0].worker_id for task in again] == new
    assert not lost & set(new)
