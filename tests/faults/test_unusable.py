"""A file that cannot be used is told of in a sentence, and stays as it is to the last byte."""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jobrunner import NewTask, TaskQueue

ROOT = Path(__file__).resolve().parents[2]
PAGE = 4096

WORDS = {
    "enqueue": ["enqueue", "--", "true"],
    "work": ["work", "--until-empty"],
    "report": ["report"],
    "db check": ["db", "check"],
}
CALLS = ("enqueue_command", "work", "report", "check")

PROGRAM = """
import contextlib, io, json, os, sys
from jobrunner import JobrunnerError, TaskQueue, Worker
from jobrunner.cli import app
from jobrunner.core.events import TaskStarted

asked = json.load(sys.stdin)
if asked["unprivileged"] and os.getuid() == 0:  # permissions do not bind root
    import alembic.command
    os.setgroups([]), os.setgid(65534), os.setuid(65534)

def command(path, words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = app.run(["--db", path, *words])
    return [code, out.getvalue(), err.getvalue()]

def call(path, name):
    started = []
    queue = None
    try:
        queue = TaskQueue(path, emit=lambda e: isinstance(e, TaskStarted) and started.append(e))
        if name == "work":
            return ["done", Worker(queue).run(until_empty=True), len(started)]
        value = getattr(queue, name)(*(["true"],) if name == "enqueue_command" else ())
        return ["done", repr(value), 0]
    except JobrunnerError as error:
        return [type(error).__name__, str(error), len(started)]
    except Exception as error:
        return ["other", repr(error), len(started)]
    finally:
        if queue is not None:
            queue.close()

for path in asked["paths"]:
    commands = {name: command(path, words) for name, words in asked["words"].items()}
    calls = {name: call(path, name) for name in asked["calls"]}
    print(json.dumps({"commands": commands, "calls": calls}), file=sys.__stdout__, flush=True)
"""


class Said(NamedTuple):
    """What a command ended with, or a call; of a call, `out` is what it did or raised."""

    code: int
    out: str
    err: str


def sound(path: Path) -> None:
    """A database with a task that could run, closed."""
    queue = TaskQueue(path, emit=lambda _event: None)
    queue.enqueue_many([NewTask(command=["true"], description="x" * 1000) for _ in range(20)])
    queue.close()


def written(path: Path, *changes: tuple[int, bytes]) -> None:
    """Write over a few bytes of a database that nobody has open."""
    sound(path)
    content = bytearray(path.read_bytes())
    for offset, data in changes:
        content[offset : offset + len(data)] = data
    path.write_bytes(content)


def with_spoilt_pages(path: Path) -> None:
    sound(path)
    size = path.stat().st_size
    written(path, *((offset, b"\xff" * 100) for offset in range(PAGE, size, PAGE)))


def cut(path: Path) -> None:
    sound(path)
    os.truncate(path, path.stat().st_size // 2 + 100)


def of_another_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE tasks (id, done)")
        connection.execute("INSERT INTO tasks VALUES (1, 'water the plants')")
    connection.close()


UNUSABLE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "text": (lambda path: path.write_text("a diary\n" * 1000), "is not an SQLite database"),
    "no-header": (lambda path: written(path, (0, b"\0" * 16)), "is not an SQLite database"),
    "page-size": (lambda path: written(path, (16, b"\x00\x03")), "is not an SQLite database"),
    "cut": (cut, "is damaged"),
    "spoilt": (with_spoilt_pages, "is damaged"),
    "foreign": (of_another_program, "is not jobrunner's"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
}


def ask(paths: list[Path], *, unprivileged: bool = False) -> list[Any]:
    asked = {"paths": [*map(str, paths)], "words": WORDS, "calls": CALLS}
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        input=json.dumps(asked | {"unprivileged": unprivileged}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def digest(path: Path) -> str:
    """Only of a file that this process has not open as a database."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "none"


class Case(NamedTuple):
    """A file, what it held before and after, and what was said of it."""

    sentence: str
    before: str
    after: str
    commands: dict[str, list[Any]]
    calls: dict[str, list[Any]]


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> dict[str, Case]:
    folder = tmp_path_factory.mktemp("unusable")
    paths = [folder / f"{name}.db" for name in UNUSABLE]
    for path, (make, _) in zip(paths, UNUSABLE.values(), strict=True):
        make(path)
    before = [digest(path) for path in paths]
    said = ask(paths)
    return {
        name: Case(sentence, was, digest(path), **answer)
        for (name, (_, sentence)), path, was, answer in zip(
            UNUSABLE.items(), paths, before, said, strict=True
        )
    }


@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.parametrize("words", WORDS)
def test_a_command_says_in_a_sentence_what_is_wrong(cases, name, words):
    case = cases[name]
    code, out, err = case.commands[words]
    if words == "db check" and code == 1:  # what it found is its output
        assert "damaged" in out
        assert err == ""
        return
    assert (code, out) == (4, "")
    first, second = err.splitlines()
    assert case.sentence in first
    assert second.endswith(".")


@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.parametrize("call", CALLS)
def test_a_program_gets_a_database_error_and_starts_no_task(cases, name, call):
    kind, said, started = cases[name].calls[call]
    assert started == 0
    if call == "check" and kind == "done":
        assert "damaged" in said
        return
    assert kind in {"DatabaseError", "DatabaseDamagedError", "SchemaError"}
    assert cases[name].sentence in said


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_cannot_be_used_stays_as_it_is(cases, name):
    assert cases[name].before == cases[name].after


def test_an_empty_file_is_a_database_to_be_made(tmp_path):
    """A process killed right after it made the file leaves one; nobody has to clear it away."""
    (tmp_path / "jobs.db").touch()
    (said,) = ask([tmp_path / "jobs.db"])
    assert said["commands"]["enqueue"][:2] == [0, "1\n"]
    assert said["commands"]["db check"][0] == 0
