"""Text from tasks never reaches a terminal, a pipe or a log as more than text."""

import json
import re
from datetime import timedelta

import pytest

from jobrunner.core.status import Status
from jobrunner.core.task import TaskId, Token, WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.storage import progress, workers
from jobrunner.storage.claim import claim
from tests.corpus import TEXTS

ESC = "\x1b[2J\x1b[1;31mred\x07"
LINK = "\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\"
C1 = "\x9b31m\x90q\x9c"
BIDI = "\u202egnp.exe\u2066\u200f"
LINES = "one\r\ntwo\ttab\x00"[:-1]
MARKUP = "[red]not red[/red] [link=x]"
OTHERS = [TEXTS[name] for name in ("script", "clipboard", "formula", "sql", "family", "combining")]
EVERY = (ESC, LINK, C1, BIDI, LINES, MARKUP, *OTHERS)

RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


LOUD = """

@queue.task(max_attempts=1)
def loud(text):
    context.progress(1, 2, note=text)
    context.checkpoint(text)
    raise ValueError(text)

@queue.task
def quiet(text):
    return {text: [text]}
"""
WORKER = {"boot_id": "boot", "pid": 1, "executor": "thread", "concurrency": 1, "beat": 0}


@pytest.fixture
def hostile(cli):
    """Tasks of every fate and a worker, with hostile text in each of their fields."""
    text = cli.hostile = " ".join(EVERY)
    application = cli.folder / "application.py"
    application.write_text(application.read_text() + LOUD)
    own = {"description": text, "queue": text}
    cli.enqueue(command=["printf", "%s", text], **own)
    cli.enqueue("nothing", kwargs={"x": text}, max_attempts=1, description=text)
    cli.enqueue(command=["sh", "-c", 'printf %s "$0" >&2; exit 3', text], max_attempts=1)
    cli.enqueue(text, args=[text], max_attempts=1)
    cli.enqueue("loud", args=[text], max_attempts=1)
    cli.enqueue("quiet", args=[text], kwargs={})
    cli.enqueue(command=[text], cwd=f"/{text}", after=[4], description=text)
    cli.enqueue(command=[text], cwd=f"/{text}", max_attempts=1)
    cli.drain()
    run(cli, text, WorkerId(text))
    cli.enqueue(text, kwargs={text: text}, after=[10], **own)
    cli.enqueue(text, delay=timedelta(days=1), **own)
    return cli


def run(cli, text, worker_id):
    """A worker of hostile name has one of two tasks in hand."""
    now = cli.queue.clock.now()
    fate = {"status": WorkerStatus.RUNNING, "stopped_at": None, "error": text}
    info = WorkerInfo(
        id=worker_id, host=text, queues=(text,), started_at=now, seen_at=now, **WORKER, **fate
    )
    for _ in range(2):
        cli.enqueue("loud", args=[text], description=text, queue=text)
    with cli.queue.database.writing() as transaction:
        workers.register(transaction, info)
        claim(transaction, worker_id=worker_id, token=1, limit=1, now=now)
        progress.save(transaction, TaskId(9), Token(1), now=now, done=1, note=text)


SHOWN = (
    *("task list", *(f"task show {number}" for number in range(1, 13))),
    *("task log 1", "task log 3", "task log 4", "task log 5", "task log 8", "task wait 2"),
    *("task history 3", "task history 4"),
    *("report", "status", "worker list", "worker list --all", "doctor", "db check"),
    *("task list --status failed", "task cancel 9 10", "task cancel 1", "task retry 4 7 1"),
)


@pytest.mark.parametrize("form", ["pipe", "terminal", "json"])
def test_no_command_lets_it_out_raw(hostile, monkeypatch, form):
    if form == "terminal":
        monkeypatch.setattr("jobrunner.cli.render.is_terminal", lambda: True)
        monkeypatch.setenv("COLUMNS", "200")
    for words in SHOWN:
        ran = hostile(*words.split(), *(["--json"] if form == "json" else []))
        assert not RAW.search(ran.out + ran.err), words
        assert ran.out + ran.err or "log" in words, words
        if form == "json" and ran.out:
            assert json.loads(ran.out) is not None


def test_every_fate_is_among_what_is_shown(hostile):
    found = {task.status.value: task.id for task in hostile.queue.find(limit=100)}
    assert set(found) == {str(status) for status in Status}


def test_a_line_break_in_a_description_makes_no_line(cli):
    cli.enqueue(description="one\ntwo\nid\tstatus")
    assert len(cli("task", "list").out.splitlines()) == 2
    assert "one\\x0atwo\\x0aid\\x09status" in cli("task", "show", 1).out


def test_json_gives_the_text_exactly(hostile):
    shown = hostile("task", "show", 2, "--json")
    assert shown.json["kwargs"] == {"x": hostile.hostile}
    assert shown.json["description"] == hostile.hostile


def test_markup_is_shown_as_it_is(cli, monkeypatch):
    monkeypatch.setattr("jobrunner.cli.render.is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    cli.enqueue(description=MARKUP)
    assert MARKUP in cli("task", "list").out


@pytest.mark.parametrize("text", EVERY)
def test_an_error_does_not_let_it_out_either(cli, text):
    cli("db", "upgrade")
    for words in (
        ["enqueue", text],
        ["enqueue", "f", f"x:={text}"],
        ["-A", text, "work"],
        ["--db", f"absent/{text}", "status"],
        ["task", "list", "--status", text],
        ["task", "show", text],
        ["report", "--since", text],
        [text],
    ):
        ran = cli(*words)
        assert not RAW.search(ran.out + ran.err), words


def test_a_ref_and_a_key_of_a_line_are_told_harmlessly(cli):
    for line in ({"function": "f", ESC: 1}, {"ref": ESC, "function": "f", "after": [ESC]}):
        ran = cli("enqueue", "--from", cli.lines(line))
        assert ran.code == 2
        assert not RAW.search(ran.err)


def test_a_word_that_is_not_utf_8_is_refused(cli):
    ran = cli("enqueue", "--json", "--", "ls", "\udcff")
    assert ran.code == 2
    assert "lone surrogate" in ran.error["message"]
    ran = cli.process("enqueue", "--", "ls", b"\xff".decode("utf-8", "surrogateescape"))
    assert ran.code == 2
    assert "lone surrogate" in ran.err


def test_the_log_of_a_worker_is_harmless(cli):
    text = " ".join(EVERY)
    cli.enqueue(text, args=[text], max_attempts=1)
    cli.enqueue(command=["sh", "-c", 'printf %s "$0" >&2; exit 3', text], max_attempts=1)
    cli.enqueue("nothing", description=text, max_attempts=1)
    ran = cli.process("work", "--until-empty", "-v")
    assert ran.code == 0
    assert not RAW.search(ran.out + ran.err)
    cli.enqueue("nothing", description=text, max_attempts=1)
    ran = cli.process("work", "--until-empty", "-v", "--log-format", "json")
    assert all(json.loads(line)["level"] for line in ran.err.splitlines())
    assert not RAW.search(ran.err)
