"""Backups of a queue at work: each is sound, and its work goes on with nothing lost."""

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from jobrunner import TaskQueue, Worker, context
from jobrunner.core.errors import DatabaseError
from jobrunner.core.status import Status
from jobrunner.runtime.restoring import restore
from jobrunner.storage import backup
from tests.databases import on_a_file

pytestmark = on_a_file

BACKUPS = 6
STALL = 2.0
"""Seconds that no enqueue may take; measured are some 20 ms, on a machine with nothing else. A
busy machine makes one wait so long now and then, and a backup would each time."""

ENQUEUE = """
import app, time
from jobrunner import NewTask

stalls, known = 0, []
with open(app.HERE / "accepted", "a") as log:
    while not (app.HERE / "enough").exists():
        began = time.perf_counter()
        new = app.queue.enqueue(NewTask(function="nothing", after=known[-1:]))
        stalls += time.perf_counter() - began > {stall}
        known.append(new.id)
        log.write(f"{{new.id}}\\n")
        log.flush()
print(stalls, flush=True)
"""


def accepted(folder):
    """The tasks whose enqueue has returned, as far as this was written down."""
    log = folder / "accepted"
    return [int(line) for line in log.read_text().split("\n")[:-1]] if log.exists() else []


class Restored:
    """A backup in a folder of its own, and the application's functions in this process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.queue = TaskQueue(folder / "jobs.db", emit=lambda _event: None)
        self.queue.task(name="nothing")(lambda: None)
        self.queue.task(name="until_file")(lambda _name: context.attempt)

    def restore(self, source: Path) -> int:
        queue = self.queue
        return restore(queue.store.unopened, source, clock=queue.clock, emit=queue.emit).lost

    def work(self, **options: float) -> dict[int, Status]:
        Worker(self.queue, concurrency=2, **options).run(until_empty=True)
        assert self.queue.check() == []
        return {task.id: task.status for task in self.queue.find(limit=1_000_000)}


@pytest.fixture
def anew(tmp_path):
    """Makes folders for backups to be restored into."""
    made = []

    def make():
        made.append(Restored(tmp_path / f"anew{len(made)}"))
        return made[-1]

    yield make
    for restored in made:
        restored.queue.close()


def at_work(stage):
    """Two workers, each with a task that does not end, and somebody who enqueues."""
    held = [stage.enqueue("until_file", "go") for _ in range(2)]
    for _ in range(2):
        stage.worker()
    for task in held:
        stage.running(task)
    stage.until(lambda: len(stage.queue.workers()) == 2)
    return held


def test_backups_under_load_are_sound_and_their_work_goes_on_to_the_end(stage, anew, finish):
    held = at_work(stage)
    enqueuer = stage.python(ENQUEUE.format(stall=STALL))
    made = []
    for number in range(BACKUPS):
        before = len(accepted(stage.folder))
        stage.until(lambda before=before: len(accepted(stage.folder)) > before + 20)
        known = accepted(stage.folder)
        target = stage.folder / f"copy{number}.db"
        made.append((known, backup.backup(stage.queue.database, target)))
    (stage.folder / "enough").touch()
    assert int(finish(enqueuer)) < BACKUPS / 2
    assert len(made) == BACKUPS
    for known, source in made[:: BACKUPS - 1]:
        restored = anew()
        assert restored.restore(source) == 2
        ended = restored.work()
        assert {ended[task] for task in [*known, *held]} == {Status.COMPLETED}
        assert set(ended.values()) == {Status.COMPLETED}
        for task in held:
            assert [one.outcome for one in restored.queue.history(task)] == ["lost", "completed"]


def test_what_a_backup_knew_in_progress_runs_again_at_once(stage, anew):
    held = at_work(stage)
    source = backup.backup(stage.queue.database, stage.folder / "copy.db")
    restored = anew()
    assert restored.restore(source) == 2
    lost = restored.queue.workers()
    assert {worker.error for worker in lost} == {"the database was restored from a backup"}
    assert [restored.queue.get(task).status for task in held] == [Status.PENDING] * 2


def test_a_backup_that_was_copied_by_hand_goes_on_after_lost_after(stage, anew):
    held = at_work(stage)
    source = backup.backup(stage.queue.database, stage.folder / "copy.db")
    restored = anew()
    shutil.copy(source, stage.folder / "anew0" / "jobs.db")
    ended = restored.work(heartbeat=0.1, lost_after=1.0)
    assert [ended[task] for task in held] == [Status.COMPLETED] * 2


def test_a_restore_waits_until_the_workers_are_stopped(stage, finish):
    held = at_work(stage)
    source = backup.backup(stage.queue.database, stage.folder / "copy.db")
    later = stage.enqueue("nothing")
    stage.queue.wait([later], timeout=60)
    stage.queue.close()
    options = {"clock": stage.queue.clock, "emit": stage.queue.emit}
    with pytest.raises(DatabaseError, match="is alive") as told:
        restore(stage.queue.store.unopened, source, **options)
    pids = {process.pid for process in stage.processes}
    assert pids == {int(word.rstrip("`;")) for word in told.value.hint.split() if word[0].isdigit()}
    assert stage.queue.get(later).status is Status.COMPLETED
    for process in stage.processes:
        process.send_signal(signal.SIGTERM)
    for process in stage.processes:
        finish(process)
    stage.queue.close()
    restore(stage.queue.store.unopened, source, **options)
    assert {stage.queue.get(task).status for task in held} == {Status.PENDING}
    assert stage.nobody_is_running()


LOOP = """
import app
from jobrunner.storage import backup

database, target = app.queue.database, app.HERE / "copy.db"
print("ready", flush=True)
while True:
    backup.backup(database, target, overwrite=True)
"""


@pytest.mark.parametrize("moment", [0.01, 0.05, 0.09, 0.13])
def test_a_backup_that_is_killed_leaves_the_database_and_the_one_before_whole(stage, anew, moment):
    for _ in range(200):
        stage.enqueue("nothing")
    first = backup.backup(stage.queue.database, stage.folder / "copy.db")
    killed = stage.python(LOOP)
    assert killed.stdout.readline() == "ready\n"
    with pytest.raises(subprocess.TimeoutExpired):
        killed.wait(moment)
    killed.kill()
    killed.wait()
    assert stage.queue.check() == []
    restored = anew()
    restored.restore(first)
    assert set(restored.work().values()) == {Status.COMPLETED}
    backup.backup(stage.queue.database, first, overwrite=True)
