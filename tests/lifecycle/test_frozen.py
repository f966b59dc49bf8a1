"""A process frozen while it writes: the others go on, or say why not, and can be stopped."""

import signal

import pytest

from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus
from tests.databases import on_a_file, on_a_server
from tests.lifecycle import processes
from tests.lifecycle.conftest import SOON

IMPATIENT = """
from jobrunner.storage import sqlite
sqlite.PRAGMAS += ("PRAGMA busy_timeout=600",)
queue.database._turnstile._patience = 0.3
"""
PATIENCE = 0.3 + 0.6

FREEZER = """
import contextlib, signal, threading, app
from jobrunner import Worker

def freezing(name):
    enter = getattr(app.queue.database, name)

    @contextlib.contextmanager
    def entered(*args, **options):
        with enter(*args, **options) as found:
            if (app.HERE / name).exists():
                (app.HERE / name).unlink()
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # here, not soon
            yield found

    setattr(app.queue.database, name, entered)

if __name__ == "__main__":
    app.queue.database._turnstile._patience = 60  # no other thread may be past the one that stops
    freezing("writing")  # in the middle of a transaction
    freezing("_turn")  # in its turn, before BEGIN
    Worker(app.queue, concurrency=1, heartbeat=0.2, lost_after=60, queues=["frozen"]).run()
"""

ENQUEUE = """
import time, app
from jobrunner import DatabaseError
began = time.monotonic()
try:
    app.nothing.enqueue()
except DatabaseError as error:
    print(error)
print(time.monotonic() - began)
app.queue.close()
"""


@pytest.fixture
def frozen_while(stage):
    """A worker that is stopped by itself at its next beat, with a task in hand."""
    stage.write(IMPATIENT)
    process = stage.python(FREEZER)
    task = stage.enqueue("until_file", "go", queue="frozen")
    stage.running(task)

    def freeze(place):
        (stage.folder / place).touch()
        stage.until(lambda: processes.state(process.pid) == "T")
        return process, task

    return freeze


def heard(process, words):
    """Read on until a line has these words."""
    said = []
    while not said or words not in said[-1]:
        said.append(process.stdout.readline())
        assert said[-1], said


WORK = (
    "work",
    "--concurrency=1",
    "--shutdown-grace=0.2s",
    "--kill-grace=0.2s",
    "--lost-after=60s",
)
LOCKED = "is locked by another program"


@pytest.fixture
def three_others(stage, frozen_while):
    """Workers of the command line: one idle, two with a task in hand."""
    names = ("idle", "busy", "staying")
    others = [stage.command(*WORK, f"--queue={name}") for name in names]
    running = [stage.enqueue("until_file", "go", queue=name) for name in names[1:]]
    for task in running:
        stage.running(task)
    stage.until(lambda: len(stage.queue.workers()) == 1 + len(names))
    return others, running


@on_a_file
@pytest.mark.parametrize("number", [signal.SIGCONT, signal.SIGKILL], ids=lambda number: number.name)
def test_others_outlive_who_is_frozen_in_a_write_transaction(
    stage, frozen_while, three_others, finish, number
):
    (idle, busy, staying), running = three_others
    zombie, held = frozen_while("writing")

    problem, waited = finish(stage.python(ENQUEUE)).splitlines()
    assert LOCKED in problem
    assert PATIENCE <= float(waited) < PATIENCE + SOON
    idle.send_signal(signal.SIGTERM)
    busy.send_signal(signal.SIGTERM)
    heard(busy, LOCKED)
    busy.send_signal(signal.SIGTERM)
    for process in (idle, busy):
        process.communicate(timeout=60)
        assert process.returncode == 4  # its row could not be written
    assert staying.poll() is None

    zombie.send_signal(number)
    if number == signal.SIGKILL:
        zombie.wait(60)
        stage.command(*WORK, "--queue=frozen")
    stage.command(*WORK, "--queue=busy")
    (stage.folder / "go").touch()
    ended = stage.queue.wait([*running, held], timeout=60)
    assert {task.status for task in ended} == {Status.COMPLETED}
    assert stage.queue.check() == []


@on_a_file
def test_others_go_on_past_who_is_frozen_in_its_turn(stage, frozen_while, finish):
    zombie, held = frozen_while("_turn")
    (waited,) = finish(stage.python(ENQUEUE)).splitlines()
    assert 0.3 <= float(waited) < PATIENCE + SOON
    work = stage.command(*WORK, "--queue=default")
    tasks = [stage.enqueue("nothing") for _ in range(20)]
    stage.queue.wait(tasks, timeout=60)
    assert work.poll() is None
    assert processes.state(zombie.pid) == "T"
    zombie.send_signal(signal.SIGCONT)
    (stage.folder / "go").touch()
    assert stage.queue.wait([held], timeout=60)[0].attempt == 1


FREEZER_ON_A_SERVER = """
import contextlib, signal, threading, app
from jobrunner import Worker

@contextlib.contextmanager
def freezing(**options):
    with writing(**options) as found:
        yield found
        if (app.HERE / "freeze").exists():
            (app.HERE / "freeze").unlink()
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)

def tell(event):
    print(type(event).__name__, event.worker_id, flush=True)

if __name__ == "__main__":
    app.queue.emit = tell
    app.queue.relocate(app.LOCATION + "&options=-c%20idle_in_transaction_session_timeout=2s")
    writing, app.queue.database.writing = app.queue.database.writing, freezing
    Worker(app.queue, heartbeat=0.2, lost_after=60, queues=["frozen"]).run()
"""


@on_a_server
def test_a_server_ends_the_transaction_of_who_is_frozen_and_others_get_his_tasks(stage, finish):
    """He was about to commit a beat: until then his row is locked, and nobody's else.

    His transaction is ended after 2 s, as a rule after 30 s.
    """
    frozen = stage.python(FREEZER_ON_A_SERVER)
    task = stage.enqueue("until_file", "go", queue="frozen")
    worker_id = stage.running(task)
    (stage.folder / "freeze").touch()
    stage.until(lambda: processes.state(frozen.pid) == "T")
    stage.worker(heartbeat=0.3, lost_after=1.5)
    (waited,) = finish(stage.python(ENQUEUE)).splitlines()
    assert float(waited) < SOON
    (stage.folder / "go").touch()
    stage.queue.wait([task], timeout=60)
    assert stage.outcomes(task) == ["lost", "completed"]
    before = stage.rows("tasks", "attempts")
    frozen.send_signal(signal.SIGCONT)
    heard(frozen, "WorkerLost")
    heard(frozen, "WorkerStarted")
    assert stage.rows("tasks", "attempts") == before
    assert stage.worker_status(worker_id) is WorkerStatus.LOST
