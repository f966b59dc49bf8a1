"""What is copied from the page of a task enqueues one like it."""

import json
import shlex
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from jobrunner import TaskQueue
from jobrunner.core.masking import MASK
from jobrunner.core.new_task import NewTask
from jobrunner.web.pages.recipes import recipes
from tests.databases import on_a_file

ODD = 'it\'s "odd" $HOME `id` \\ <b>\n\ttwo\x1b\u202e'
URL = "http://127.0.0.1:8750/"

NEW = [
    NewTask(function="mail.send", kwargs={"to": ODD, "n": 2**80, "deep": {"a": [None, 1.5]}}),
    NewTask(function="mail.send", args=[1, ODD], kwargs={"not a name": True}),
    NewTask(command=["echo", ODD, "--queue", "-x"], cwd="/tmp"),  # noqa: S108 — a folder that is there
    NewTask(
        function="-odd",
        queue="it's",
        priority=-3,
        description=ODD,
        timeout=timedelta(seconds=90.5),
        max_attempts=2,
        concurrency_key=ODD,
    ),
    NewTask(function="f", queue="q", priority=3, description=ODD, timeout=timedelta(hours=1)),
]


def told(task: Any) -> dict[str, str]:
    return {one.title: one.text for one in recipes(task, URL, needs_token=True)}


def facts(task: Any) -> dict[str, Any]:
    names = ("function", "command", "args", "kwargs", "queue", "priority", "description")
    more = ("timeout", "max_attempts", "cwd", "concurrency_key")
    return {name: getattr(task, name) for name in (*names, *more)}


@pytest.fixture
def queue(location):
    queue = TaskQueue(location)
    yield queue
    queue.close()


@on_a_file
@pytest.mark.parametrize("new", NEW)
def test_the_command_line_enqueues_the_same_again(queue, location, new, monkeypatch, tmp_path):
    task = queue.enqueue(new)
    program = tmp_path / "jobrunner"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m jobrunner "$@"\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("JOBRUNNER_DB", location)
    shell = ["bash", "-c", told(task)["Command line"]]
    ran = subprocess.run(shell, check=True, capture_output=True)
    assert facts(queue.get(int(ran.stdout))) == facts(task)


@on_a_file
@pytest.mark.parametrize("new", NEW)
def test_python_enqueues_the_same_again(queue, location, new):
    task = queue.enqueue(new)
    text = told(task)["Python"].replace('"jobrunner.db"', repr(location))
    exec(text, {})  # noqa: S102 — that it runs is the fact
    assert facts(queue.get(task.id + 1)) == facts(task)


@on_a_file
@pytest.mark.parametrize("new", NEW)
def test_curl_sends_the_same(queue, new):
    task = queue.enqueue(new)
    text = told(task)["curl"].replace("curl -X", "printf '%s\\0' -X", 1)
    ran = subprocess.run(
        ["bash", "-c", f"JOBRUNNER_TOKEN='the token'\n{text}"],  # noqa: S607 — any
        check=True,
        capture_output=True,
    )
    words = ran.stdout.decode().split("\0")
    assert words[:3] == ["-X", "POST", f"{URL}api/v1/tasks"]
    assert "Authorization: Bearer the token" in words
    line = json.loads(words[words.index("-d") + 1])
    assert (line.get("function"), line.get("kwargs", {})) == (task.function, task.kwargs)


@on_a_file
def test_secrets_are_masked_in_all_of_them(queue):
    new = NewTask(
        command=["curl", "-u", "ada:hunter2two", "--token", "abcdefgh"],
        concurrency_key="password=hunter2two",
        cwd="/srv/token=abcdefgh",
    )
    for text in told(queue.enqueue(new)).values():
        assert "hunter2two" not in text
        assert "abcdefgh" not in text
        assert MASK in text
