"""The demonstration's verdict: yes to what was done right, no to each thing that is broken."""

import gzip
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from jobrunner.demo.job import Job, copy_sources, enqueue
from jobrunner.demo.play import Kill, Play
from jobrunner.demo.sources import find_sources
from jobrunner.demo.verdict import problems
from jobrunner.task_queue import TaskQueue
from tests.runtime.support import until


class Silence:
    def say(self, line: str) -> None:
        """Tell nobody."""

    def progress(self, done: int, total: int) -> None:
        """Show nothing."""


class BusyPlay(Play):
    """On a machine that comes to look only when the long task has run for 3.5 seconds."""

    def _look(self) -> None:
        if self.kill is None:
            until(self._job.queue, self._is_late)
        super()._look()

    def _is_late(self) -> bool:
        queue = self._job.queue
        began = queue.get(self._job.index).started_at
        return began is not None and queue.clock.now() - began > timedelta(seconds=3.5)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, Kill]:
    folder = tmp_path_factory.mktemp("played")
    sources = find_sources(12)
    copy_sources(folder, sources)
    with pytest.MonkeyPatch.context() as patch:  # a machine without gzip: Python's own is used
        patch.setattr(shutil, "which", lambda _: None)
        job = enqueue(folder, sources)
    play = BusyPlay(job, Silence())
    play.run(workers=2, concurrency=2)
    job.queue.close()
    assert play.kill
    return job, play.kill


@pytest.fixture
def kill(played: tuple[Job, Kill]) -> Kill:
    return played[1]


@pytest.fixture
def job(played: tuple[Job, Kill], tmp_path: Path):
    """A copy of what was played, to be broken."""
    folder = tmp_path / "copy"
    shutil.copytree(played[0].folder, folder)
    copy = replace(played[0], folder=folder, queue=TaskQueue(folder / "demo.db"))
    yield copy
    copy.queue.close()


def change(job: Job, statement: str, **values: object) -> None:
    with job.queue.transaction() as connection:
        assert connection.execute(text(statement), values).rowcount == 1


def module(job: Job, ending: str) -> Path:
    return job.folder / "modules" / f"{next(iter(job.sources))}{ending}"


def test_what_was_done_right_has_no_problems(job, kill):
    assert problems(job, kill) == []


def test_a_corrupt_gzip_is_named(job, kill):
    packed = bytearray(module(job, ".gz").read_bytes())
    packed[len(packed) // 2] ^= 1
    module(job, ".gz").write_bytes(packed)
    (found,) = problems(job, kill)
    assert found.startswith(f"{module(job, '.gz').name} cannot be unpacked")


def test_a_truncated_or_missing_gzip_is_named(job, kill):
    module(job, ".gz").write_bytes(module(job, ".gz").read_bytes()[:-9])
    (found,) = problems(job, kill)
    assert "cannot be unpacked" in found
    module(job, ".gz").unlink()
    (found,) = problems(job, kill)
    assert "No such file" in found


def test_a_gzip_of_something_else_is_named(job, kill):
    module(job, ".gz").write_bytes(gzip.compress(b"something else"))
    (found,) = problems(job, kill)
    assert found == f"{module(job, '.gz').name} is not {next(iter(job.sources.values()))}."


def test_a_missing_checksum_is_named(job, kill):
    module(job, ".sha256").unlink()
    (found,) = problems(job, kill)
    assert found == f"The checksum file of {module(job, '').name} is missing or wrong."


def test_a_result_that_is_no_checksum_is_named(job, kill):
    task_id = next(iter(job.checksum.values()))
    change(job, "UPDATE tasks SET result = '\"0\"' WHERE id = :id", id=task_id)
    (found,) = problems(job, kill)
    assert found == f"The task for the checksum of {module(job, '').name} did not return it."


def test_a_manifest_without_a_file_is_named(job, kill):
    manifest = job.folder / "modules" / "MANIFEST"
    manifest.write_text("".join(manifest.read_text().splitlines(keepends=True)[1:]))
    assert problems(job, kill) == ["The manifest is missing or wrong."]


def test_a_task_that_completed_twice_is_named(job, kill):
    task_id = next(iter(job.compress.values()))
    columns = "task_id, worker_id, ready_at, started_at, ended_at, outcome"
    change(
        job,
        f"INSERT INTO attempts (token, number, {columns}) "  # noqa: S608 — no value in it
        f"SELECT -1, number + 1, {columns} FROM attempts WHERE task_id = :id",
        id=task_id,
    )
    assert problems(job, kill) == [
        f"Task {task_id} completed 2 times, not once.",
        f"The database is not sound: task {task_id} has completed 2 times.",
    ]


def test_a_task_that_did_not_end_as_it_was_to_is_named(job, kill):
    change(job, "UPDATE tasks SET status = 'cancelled' WHERE id = :id", id=job.doomed)
    (found,) = problems(job, kill)
    assert found == f"Task {job.doomed} (doomed) is cancelled, not failed."


def test_a_failure_that_was_not_tried_again_is_named(job, kill):
    first = "SELECT min(id) FROM attempts WHERE task_id = :id"
    change(job, f"DELETE FROM attempts WHERE id = ({first})", id=job.unsteady)  # noqa: S608
    (found,) = problems(job, kill)
    assert found.startswith(f"Task {job.unsteady} ended as ['failed', 'completed']")


def test_a_kill_that_did_not_happen_is_named(job):
    assert problems(job, None) == ["No worker was killed: the long task ended too early."]


def test_a_killed_worker_that_is_not_lost_is_named(job, kill):
    change(job, "UPDATE workers SET status = 'stopped' WHERE id = :id", id=kill.worker_id)
    (found,) = problems(job, kill)
    assert found.startswith("The lost workers are []")


def test_a_long_task_that_began_anew_is_named(job, kill):
    index = job.folder / "INDEX"
    first = [line for line in index.read_text().splitlines() if line.startswith("1 ")]
    again = [f"2 {name} 0" for name in job.indexed]
    index.write_text("\n".join([*first, *again]))
    (found,) = problems(job, kill)
    assert found.startswith(f"Task {job.index} went on from step 0")


def test_a_long_task_that_left_out_a_step_is_named(job, kill):
    index = job.folder / "INDEX"
    lines = index.read_text().splitlines()
    index.write_text("\n".join(lines[1:]))
    found = problems(job, kill)
    assert f"Task {job.index} left out a step or took one in another order." in found
