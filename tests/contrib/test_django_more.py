"""What jobrunner adds to Django's tasks, and how it keeps out of the way of the rest."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import transaction

from jobrunner import NewTask, Unique
from jobrunner.config import load_application
from jobrunner.contrib.django import known
from jobrunner.contrib.django.framework import InvalidTask, base, exceptions, signals, tasks
from jobrunner.contrib.django.results import NO_TRACEBACK
from jobrunner.core.status import Status
from tests.contrib.shop import tasks as shop

ROOT = Path(__file__).resolve().parents[2]


def count(project):
    return sum(project.queue.counts().values())


def test_as_in_django_an_enqueue_waits_for_no_commit(on_file):
    with transaction.atomic():
        assert shop.noop.enqueue().id
        assert count(on_file) == 1


def test_it_waits_for_the_commit_where_it_is_told_to(on_file):
    on_file.set(enqueue_on_commit=True)
    with transaction.atomic():
        result = shop.noop.enqueue(1)
        assert (result.id, result.enqueued_at, count(on_file)) == ("", None, 0)
        with pytest.raises(exceptions.TaskResultDoesNotExist):
            result.refresh()
        with transaction.atomic(using="other"):
            pass
        assert count(on_file) == 0
    assert on_file.backend.get_result(result.id) == result
    with transaction.atomic():
        shop.noop.enqueue()
        transaction.set_rollback(True)
    assert count(on_file) == 1
    assert shop.noop.enqueue().id  # in no transaction there is nothing to wait for


def test_it_waits_for_the_commit_of_the_database_that_is_named(on_file):
    on_file.set(enqueue_on_commit="other")
    with transaction.atomic():
        shop.noop.enqueue()
        assert count(on_file) == 1
    with transaction.atomic(using="other"):
        shop.noop.enqueue()
        assert count(on_file) == 1
    assert count(on_file) == 2


def test_a_task_runs_once_unless_more_attempts_are_allowed(on_file):
    result = shop.second_time_lucky.enqueue()
    on_file.work()
    result.refresh()
    assert (result.status, result.attempts) == (base.TaskResultStatus.FAILED, 1)
    on_file.set(tasks={shop.second_time_lucky.module_path: {"max_attempts": 2}})
    result = shop.second_time_lucky.enqueue()
    on_file.work()
    result.refresh()
    assert (result.return_value, result.attempts, len(result.errors)) == (2, 2, 1)
    assert result.errors[0].exception_class_path == NO_TRACEBACK
    assert result.started_at < result.last_attempted_at
    assert on_file.queue.get(int(shop.noop.enqueue().id)).max_attempts == 1


def test_a_unique_task_is_stored_once(on_file):
    on_file.set(tasks={shop.send.module_path: {"unique": True}})
    first, again, other = (shop.send.enqueue(to) for to in ("ada", "ada", "bob"))
    assert first.id == again.id != other.id
    assert again.enqueued_at == first.enqueued_at
    on_file.set(unique=Unique(key="one", on_conflict="ignore"), timeout=5)
    assert shop.noop.enqueue().id == shop.meaning_of_life.enqueue().id


def test_the_signals_tell_what_is_stored(on_file):
    heard = []

    def hear(sender, task_result, **_):
        stored = on_file.queue.get(int(task_result.id)).status
        heard.append((sender, task_result.status, stored))

    wired = (signals.task_enqueued, signals.task_started, signals.task_finished)
    for signal in wired:
        signal.connect(hear)
    try:
        shop.fail.enqueue()
        on_file.work()
    finally:
        for signal in wired:
            signal.disconnect(hear)
    is_ = base.TaskResultStatus
    kind = type(on_file.backend)
    assert heard == [
        (kind, is_.READY, Status.PENDING),
        (kind, is_.RUNNING, Status.IN_PROGRESS),
        (kind, is_.FAILED, Status.FAILED),
    ]


def test_a_queue_that_the_backend_does_not_serve_is_refused(on_file):
    with pytest.raises(InvalidTask, match="Queue 'slow' is not valid for backend"):
        shop.noop.using(queue_name="slow")
    on_file.set(queues=[])
    slow = shop.noop.using(queue_name="slow")
    assert on_file.queue.get(int(slow.enqueue().id)).queue == "slow"
    on_file.set(queues=["default"])
    with pytest.raises(InvalidTask, match="Queue 'slow' is not valid for backend"):
        slow.enqueue()


def test_a_project_without_time_zones_gets_moments_without(on_file):
    on_file.set(use_tz=False)
    result = shop.noop.using(run_after=datetime(2001, 1, 1, 12)).enqueue()  # noqa: DTZ001
    on_file.work()
    result.refresh()
    assert result.enqueued_at.tzinfo is None
    assert result.enqueued_at <= result.started_at <= result.finished_at


def test_a_file_of_djangos_own_is_refused(on_file, monkeypatch):
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", on_file.location)
    assert [problem.id for problem in on_file.backend.check()] == ["jobrunner.E001"]
    with pytest.raises(ImproperlyConfigured, match="must not be in the file of the database"):
        shop.noop.enqueue()


@pytest.mark.parametrize(
    "wrong", [{"databse": "x"}, {"tasks": {"a.b": {"priority": 1}}}], ids=["option", "of a task"]
)
def test_an_option_that_is_not_there_is_refused(on_file, wrong):
    on_file.set(**wrong)
    with pytest.raises(ImproperlyConfigured, match="has no option"):
        _ = on_file.backend


def test_a_row_makes_nothing_be_imported_but_modules_of_the_apps(on_file):
    outside = "tests.contrib.unlisted.tasks"
    ids = [
        on_file.behind_it(NewTask(function=name))
        for name in (f"{outside}.hidden", "subprocess.check_output", "tests.contrib.shop.none.x")
    ]
    on_file.work()
    assert outside not in sys.modules
    for task_id in ids:
        stored = on_file.queue.get(int(task_id))
        assert stored.status is Status.FAILED
        assert "no function named" in stored.error
    known.load([outside])
    assert known.find(f"{outside}.hidden") is not None


def test_functions_run_in_child_processes_too(on_file):
    result = shop.process_id.enqueue()
    context = shop.own_attempt.enqueue(1)
    on_file.work(executor="process")
    result.refresh()
    context.refresh()
    assert result.return_value != os.getpid()
    assert context.return_value == 1


def test_manage_py_works_in_several_processes(tmp_path, on_file):
    results = [shop.double.enqueue(number) for number in range(20)]
    bad = shop.fail.enqueue()
    environment = {**os.environ, "SHOP_TASKS": on_file.location, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-m", "django", "jobrunner_work", "--until-empty", "--workers", "2"],
        env=environment,
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout) == (0, "")
    assert "failed" in ran.stderr.lower(), ran.stderr
    for result in results:
        result.refresh()
    assert [result.return_value for result in results] == [2 * number for number in range(20)]
    bad.refresh()
    assert bad.errors[0].exception_class is ValueError


def test_manage_py_says_what_is_wrong(on_file):
    with pytest.raises(CommandError, match="no executor"):
        call_command("jobrunner_work", executor="nowhere")
    with pytest.raises(ImproperlyConfigured):
        call_command("jobrunner_work", backend="nowhere")
    assert tasks.task_backends["default"] is not None


def test_the_command_line_finds_the_project(on_file, monkeypatch):
    name = "jobrunner.contrib.django.app"
    monkeypatch.delitem(sys.modules, name, raising=False)
    queue = load_application(name)
    assert queue is on_file.queue
    assert shop.send.module_path in queue.registry.names
    assert queue.new_task(shop.send.module_path, kwargs={"to": "ada"}).function in known.paths()
