"""JSON lines that are not right: named by their number, and nothing is enqueued."""

import pytest

from jobrunner.core.lines import KEYS

GOOD = {"ref": "good", "function": "add"}
MIB = 1024 * 1024


def refused(cli, *lines):
    """The error of a file with one good line before."""
    ran = cli("enqueue", "--from", cli.lines(GOOD, *lines), "--json")
    assert ran.code == 2, ran
    assert ran.out == ""
    assert sum(cli.queue.counts().values()) == 0
    assert "othing was enqueued" in ran.error["hint"]
    return ran.error["message"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"function": ', "it is not JSON"),
        ("[1]", "it is not a JSON object"),
        ("null", "it is not a JSON object"),
        ('{"function": "f", "kwargs": {"x": NaN}}', "NaN is not JSON"),
        ('{"function": "f", "args": [1e999]}', "args is not JSON"),
        ('{"function": "f", "args": ["\\u0000"]}', "args holds a NUL character"),
        ('{"function": "f", "kwargs": {"x": "\\ud800"}}', "kwargs holds a lone surrogate"),
        ('{"function": "f", "description": "\\u0000"}', "description holds a NUL character"),
        ('{"function": "f\\ud800"}', "function holds a lone surrogate"),
        ('{"command": ["a\\u0000"]}', "command holds a NUL character"),
        ("[" * 100_000, "it is not JSON"),
        ('{"function": "f", "args": [' + "9" * 5000 + "]}", "it is not JSON"),
    ],
    ids=lambda value: value[:24],
)
def test_what_is_not_json_is_named_by_its_line(cli, line, problem):
    message = refused(cli, line)
    assert message.startswith("line 2: ")
    assert problem in message


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "function or command"),
        ({"function": "f", "command": ["ls"]}, "exactly one of them"),
        ({"function": 7}, "function must be text"),
        ({"function": ""}, "function must have a name"),
        ({"command": "ls"}, "command must be a list"),
        ({"command": []}, "command must be a list"),
        ({"command": [1]}, "command must be text"),
        ({"command": ["ls"], "args": [1]}, "args go with a function"),
        ({"function": "f", "args": {}}, "args must be a list"),
        ({"function": "f", "kwargs": []}, "kwargs must be an object"),
        ({"function": "f", "priority": "high"}, "priority must be an integer, not 'high'"),
        ({"function": "f", "priority": True}, "priority must be an integer"),
        ({"function": "f", "priority": 1.5}, "priority must be an integer"),
        ({"function": "f", "priority": 2**31}, "priority must be from"),
        ({"function": "f", "max_attempts": 0}, "max_attempts must be from"),
        ({"function": "f", "timeout": "1h"}, "timeout must be a number of seconds"),
        ({"function": "f", "timeout": 0}, "timeout must be from"),
        ({"function": "f", "delay": 1e300}, "delay is too long"),
        ({"function": "f", "delay": -1}, "delay must be from"),
        ({"function": "f", "run_at": "tomorrow"}, "run_at is no moment"),
        ({"function": "f", "run_at": "2026-12-01T09:00"}, "run_at is no moment with a zone"),
        ({"function": "f", "queue": ""}, "queue must have a name"),
        ({"function": "f", "cwd": "relative"}, "cwd must be an absolute path"),
        ({"function": "f", "after": "good"}, "after must be a list"),
        ({"function": "f", "after": [True]}, "after must be a list"),
        ({"function": "f", "after": [2**63]}, "after must be from"),
        ({"function": "f", "after": [-1]}, "after must be from"),
        ({"function": "f", "ref": 7}, "ref must be a text"),
        ({"function": "f", "ref": "good"}, "ref 'good' stands already at line 1"),
        ({"function": "f", "nice": 1}, "unknown key 'nice'"),
        ({"function": "f", "args": ["x" * MIB]}, "over the limit of 1,048,576"),
        ({"function": "f", "kwargs": {"x": "é" * (MIB // 2)}}, "over the limit of 1,048,576"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_wrong_field_is_named_by_its_line(cli, fields, problem):
    message = refused(cli, fields)
    assert message.startswith("line 2: ")
    assert problem in message


def test_a_parent_that_is_no_ref_is_named_by_its_line(cli):
    message = refused(cli, {"function": "f", "after": ["good", "absent"]})
    assert message == "line 2: it is to run after task absent, which does not exist"


def test_a_parent_that_is_no_task_is_named_by_its_line(cli):
    message = refused(cli, {"function": "f"}, "", {"function": "f", "after_any": [77]})
    assert message == "line 4: it is to run after task 77, which does not exist"


def test_a_cycle_is_named_by_its_refs(cli):
    message = refused(
        cli,
        {"ref": "a", "function": "f", "after": ["c"]},
        {"ref": "b", "function": "f", "after": ["a"]},
        {"ref": "c", "function": "f", "after": ["b", "good"]},
    )
    members = message.partition(": ")[2].split(" -> ")
    assert members[0] == members[-1]
    assert sorted(members[1:]) == ["a", "b", "c"]


def test_a_task_that_waits_for_itself_is_a_cycle(cli):
    message = refused(cli, {"ref": "a", "function": "f", "after": ["a"]})
    assert message == "these tasks wait for each other: a -> a"


def test_a_function_that_the_application_lacks_is_named_by_its_line(cli):
    name = cli.lines(GOOD, {"function": "thumbnial"})
    ran = cli("-A", "application:queue", "enqueue", "--from", name)
    assert ran.code == 2
    assert "line 2: no function named 'thumbnial' is registered" in ran.err
    assert "Did you mean 'thumbnail'?" in ran.err
    assert sum(cli.queue.counts().values()) == 0


def test_what_is_not_utf_8_is_named_by_its_line(cli):
    (cli.folder / "latin").write_bytes(b'{"function": "f"}\n{"function": "\xe9"}\n')
    ran = cli("enqueue", "--from", "latin")
    assert ran.code == 2
    assert "line 2: it is not UTF-8" in ran.err


@pytest.mark.parametrize("name", ["absent.jsonl", "."])
def test_a_file_that_cannot_be_read_is_told(cli, name):
    ran = cli("enqueue", "--from", name)
    assert ran.code == 2
    assert f"cannot read {name}: " in ran.err


def test_options_that_each_line_tells_itself_are_refused(cli):
    ran = cli("enqueue", "--from", cli.lines(GOOD), "--priority", "5")
    assert ran.code == 2
    assert "priority" in ran.err
    assert sum(cli.queue.counts().values()) == 0


def test_every_key_is_a_field_or_a_ref(cli):
    from dataclasses import fields

    from jobrunner import NewTask

    assert set(KEYS) == {field.name for field in fields(NewTask)} | {"ref"}
