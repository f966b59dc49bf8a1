"""Text from tasks never reaches a terminal, a pipe or a log as more than text."""

import json
import re

import pytest

ESC = "\x1b[2J\x1b[1;31mred\x07"
LINK = "\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\"
C1 = "\x9b31m\x90q\x9c"
BIDI = "\u202egnp.exe\u2066\u200f"
LINES = "one\r\ntwo\ttab\x00"[:-1]
MARKUP = "[red]not red[/red] [link=x]"
EVERY = (ESC, LINK, C1, BIDI, LINES, MARKUP)

RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def hostile(cli):
    text = " ".join(EVERY)
    cli.enqueue(command=["printf", "%s", text], description=text, queue=text)
    cli.enqueue("nothing", kwargs={"x": text}, max_attempts=1, description=text)
    cli.enqueue(command=["sh", "-c", 'printf %s "$0" >&2; exit 3', text], max_attempts=1)
    cli.drain()
    cli.hostile = text
    return cli


@pytest.mark.parametrize(
    "words",
    [
        *("task list", "task show 1", "task show 2", "task show 3", "task log 1", "task log 3"),
        *("report", "status", "task wait 2", "worker list --all"),
    ],
)
@pytest.mark.parametrize("form", ["pipe", "terminal", "json"])
def test_no_command_lets_it_out_raw(hostile, monkeypatch, words, form):
    if form == "terminal":
        monkeypatch.setattr("jobrunner.cli.render.is_terminal", lambda: True)
        monkeypatch.setenv("COLUMNS", "200")
    ran = hostile(*words.split(), *(["--json"] if form == "json" else []))
    assert not RAW.search(ran.out + ran.err)


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


def test_the_log_of_a_worker_is_harmless(hostile):
    hostile.enqueue("nothing", description=hostile.hostile, max_attempts=1)
    ran = hostile.process("work", "--until-empty", "-v")
    assert ran.code == 0
    assert not RAW.search(ran.out + ran.err)
    hostile.enqueue("nothing", description=hostile.hostile, max_attempts=1)
    ran = hostile.process("work", "--until-empty", "-v", "--log-format", "json")
    assert all(json.loads(line)["level"] for line in ran.err.splitlines())
    assert not RAW.search(ran.err)
