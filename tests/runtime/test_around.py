"""Hooks of an application: around each attempt where it runs, and on each status that is stored."""

from pathlib import Path

import pytest

from jobrunner import TaskQueue, Worker
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.events import WorkerTrouble
from jobrunner.core.status import Status
from jobrunner.runtime.around import StatusChange
from jobrunner.testing import drain as drain_here
from tests.runtime import hooked as h


@pytest.fixture
def path(tmp_path):
    """Where the hooks leave their notes."""
    (tmp_path / "notes").touch()
    h.PLACE[:] = [str(tmp_path / "notes")]
    return h.PLACE[0]


@pytest.fixture
def notes(path):
    return lambda: Path(path).read_text().splitlines()


@pytest.fixture
def queue(location, events, notes):
    queue = h.hooked
    home, queue.emit = queue.relocate(location), events
    yield queue
    assert queue.check() == []
    queue.relocate(home)
    h.BROKEN.clear()


def run(queue, executor="thread"):
    Worker(queue, concurrency=1, executor=executor).run(until_empty=True)


@pytest.mark.parametrize("executor", ["thread", "process", "async"])
def test_an_attempt_stands_between_its_hooks_where_it_runs(queue, path, notes, executor):
    queue.enqueue_many([h.work.bind(5, notes=path), h.work_async.bind(6, notes=path)])
    run(queue, executor)
    lines = [line for line in notes() if not line.startswith("status")]
    first, second = lines[:3], lines[3:]
    assert sorted([first, second]) == [
        ["before 1 work 1", "work 5", "after 1 completed None"],
        ["before 2 work_async 1", "work 6", "after 2 completed None"],
    ]


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_what_a_hook_before_raises_is_the_outcome(queue, path, notes, executor):
    task = h.work.enqueue(5, notes=path, stop_before=True)
    run(queue, executor)
    ended = queue.get(task.id)
    assert (ended.status, ended.error) == (Status.FAILED, "ValueError: not today")
    assert "work 5" not in notes()
    assert "after 1 failed ValueError: not today" in notes()
    assert "jobrunner/runtime" not in str(queue.history(task.id)[0].traceback)


@pytest.mark.parametrize("executor", ["thread", "process", "async"])
def test_what_a_hook_after_raises_is_told_and_changes_nothing(queue, path, events, executor):
    task = h.work.enqueue(5, notes=path, break_after=True)
    run(queue, executor)
    assert queue.get(task.id).returned == 5
    (trouble,) = events.of(WorkerTrouble)
    assert trouble.problem == "the hook after raised RuntimeError: the hook is broken"


def test_a_failure_is_told_once_it_is_final_and_stored(queue, path, notes):
    h.work.enqueue(-2, notes=path)
    run(queue)
    assert [line for line in notes() if line.startswith("failed")] == [
        "failed 1 work 1 ValueError: negative"
    ]
    assert notes()[-2:] == ["failed 1 work 1 ValueError: negative", "status 1 failed"]


def test_each_status_is_told_those_of_commands_and_dependents_too(queue, path, notes):
    first = queue.enqueue_command(["false"], max_attempts=1)
    second = h.work.using(after=[first]).enqueue(1, notes=path)
    run(queue)
    assert [line for line in notes() if line.startswith("status")] == [
        f"status {first.id} in_progress",
        f"status {first.id} failed",
        f"status {second.id} cancelled",
    ]


def test_a_broken_hook_on_statuses_stops_nothing(queue, path, events):
    h.BROKEN.add("status")
    task = h.work.enqueue(5, notes=path)
    run(queue)
    assert queue.get(task.id).status is Status.COMPLETED
    assert len(events.of(WorkerTrouble)) == 2


def test_a_drain_calls_them_as_a_worker_does(queue, path, notes):
    h.work.enqueue(5, notes=path)
    drain_here(queue)
    assert notes() == [
        "status 1 in_progress",
        "before 1 work 1",
        "work 5",
        "after 1 completed None",
        "status 1 completed",
    ]


def test_a_hook_that_is_a_coroutine_function_is_refused():
    queue = TaskQueue("never-opened.db")
    for register in (
        queue.before_attempt,
        queue.after_attempt,
        queue.on_failure,
        queue.on_status,
    ):
        with pytest.raises(ConfigurationError, match="is an async def"):

            @register
            async def hook(_):
                """Nobody would await it."""


def test_where_there_are_no_hooks_nothing_is_made_for_them(location, monkeypatch):
    queue = TaskQueue(location, emit=lambda _: None)
    assert not queue.registry.hears_statuses

    def refuse(*_, **__):
        raise AssertionError

    monkeypatch.setattr(StatusChange, "__init__", refuse)
    queue.enqueue_command(["true"])
    run(queue)
    queue.close()
    assert not Path("never-opened.db").exists()
