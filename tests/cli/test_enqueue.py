"""`jobrunner enqueue`: one function, one command, many lines; what it prints and stores."""

import io
import json
import sys
from datetime import UTC, datetime, timedelta

import pytest


def test_a_function_is_stored_and_its_id_printed(cli):
    ran = cli("enqueue", "add", "a=1", "b:=2")
    assert (ran.code, ran.out, ran.err) == (0, "1\n", "")
    assert cli.queue.get(1).kwargs == {"a": "1", "b": 2}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("x=", ""),
        ("x=a=b", "a=b"),
        ("x=:=1", ":=1"),
        ("x:=null", None),
        ("x:=[1, 2]", [1, 2]),
        ('x:={"y": 1.5}', {"y": 1.5}),
        ("x=two\nlines", "two\nlines"),
        ("é=1", "1"),
    ],
)
def test_an_argument_is_text_after_one_sign_and_json_after_the_other(cli, word, value):
    assert cli("enqueue", "f", word).code == 0
    assert list(cli.queue.get(1).kwargs.values()) == [value]


@pytest.mark.parametrize("word", ["x", "=1", "1x=1", "x:=", "x:=[", "x:=nothing", "x:=NaN"])
def test_a_word_that_is_no_argument_is_refused(cli, word):
    ran = cli("enqueue", "f", word)
    assert ran.code == 2
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 2


def test_in_json_the_id_stands_in_an_object(cli):
    assert cli("enqueue", "add", "--json").json == {"id": 1}


def test_a_command_keeps_every_word_behind_the_dashes(cli):
    assert cli("enqueue", "-p", "3", "--", "sh", "-c", "--db x", "--", "-v", "--json").out == "1\n"
    task = cli.queue.get(1)
    assert task.command == ("sh", "-c", "--db x", "--", "-v", "--json")
    assert task.priority == 3


def test_options_reach_the_task(cli):
    parent = cli.enqueue()
    ran = cli(
        *("enqueue", "add", "-q", "images", "--priority", "-7", "--timeout", "1m30s"),
        *("--max-attempts", "2", "--description", "a picture", "--after", parent, "--delay", "1h"),
    )
    task = cli.queue.get(int(ran.out))
    assert (task.queue, task.priority, task.max_attempts) == ("images", -7, 2)
    assert (task.description, task.after) == ("a picture", (parent,))
    assert task.timeout == timedelta(seconds=90)
    assert task.run_at - task.created_at == timedelta(hours=1)


def test_a_moment_has_the_zone_it_names(cli):
    cli("enqueue", "add", "--at", "2099-01-01T09:00+01:00")
    assert cli.queue.get(1).run_at == datetime(2099, 1, 1, 8, tzinfo=UTC)


def test_the_folder_of_a_command_is_made_absolute(cli):
    cli("enqueue", "--cwd", "sub", "--", "ls")
    assert cli.queue.get(1).cwd == str(cli.folder / "sub")


def test_options_of_the_function_hold_unless_others_are_given(cli):
    cli("-A", "application:queue", "enqueue", "thumbnail", "path=a")
    cli("-A", "application:queue", "enqueue", "thumbnail", "path=a", "-q", "quick")
    assert [cli.queue.get(task_id).queue for task_id in (1, 2)] == ["slow", "quick"]


def test_one_kind_of_work_must_be_named(cli):
    for words in ([], ["--"], ["f", "--", "ls"], ["f", "--from", "x"], ["--from", "x", "--", "ls"]):
        ran = cli("enqueue", *words)
        assert ran.code == 2, words
        assert ran.out == ""


def test_lines_are_stored_in_their_order_and_edges_may_point_forward(cli):
    cli.enqueue()
    name = cli.lines(
        {"ref": "b", "command": ["true"], "after": ["a", 1]},
        "",
        {"ref": "a", "function": "add", "args": [1], "kwargs": {"b": 2}, "priority": 9},
        {"function": "add", "delay": 60, "after_any": ["b"], "timeout": 1.5},
    )
    assert cli("enqueue", "--from", name).out == "2\n3\n4\n"
    b, a, last = (cli.queue.get(task_id) for task_id in (2, 3, 4))
    assert b.after == (1, 3)
    assert (a.args, a.kwargs, a.priority) == ((1,), {"b": 2}, 9)
    assert (last.after, last.timeout) == ((2,), timedelta(seconds=1.5))


def test_in_json_lines_give_an_object_of_refs_and_ids(cli):
    name = cli.lines({"ref": "a", "function": "f"}, {"function": "f"})
    assert cli("enqueue", "--from", name, "--json").json == {"a": 1, "2": 2}


def test_lines_come_from_standard_input(cli, monkeypatch):
    lines = io.TextIOWrapper(io.BytesIO(b'\xef\xbb\xbf{"function": "f"}\r\n{"function": "g"}'))
    monkeypatch.setattr(sys, "stdin", lines)
    assert cli("enqueue", "--from", "-").out == "1\n2\n"


def test_a_line_knows_the_options_of_its_function(cli):
    name = cli.lines({"function": "thumbnail"}, {"function": "thumbnail", "queue": "quick"})
    cli("-A", "application:queue", "enqueue", "--from", name)
    assert [cli.queue.get(task_id).queue for task_id in (1, 2)] == ["slow", "quick"]


def test_waiting_ends_with_the_task(cli):
    cli.enqueue()
    cli.drain()
    ran = cli("enqueue", "add", "--after", 1, "--wait", "--wait-timeout", "0.01")
    assert (ran.code, ran.out) == (7, "2\n")


def test_waiting_tells_that_the_task_failed(cli):
    cli.enqueue("fail", max_attempts=1)
    cli.drain()
    ran = cli("enqueue", "add", "--after", 1, "--wait", "--json")
    assert ran.code == 6
    assert json.loads(ran.out)["id"] == 2
    assert ran.error["code"] == "task_failed"
