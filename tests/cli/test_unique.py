"""Unique tasks from the command line and from JSON lines."""

from datetime import timedelta

import pytest

from jobrunner.core.status import Status
from jobrunner.core.unique import LIVE, WAITING

HOUR = timedelta(hours=1)


def test_the_second_of_a_key_is_refused_with_its_holder(cli):
    assert cli("enqueue", "add", "--unique", "k").out == "1\n"
    ran = cli("enqueue", "add", "--unique", "k", "--json")
    assert (ran.code, ran.out, ran.error["code"]) == (2, "", "duplicate_task")
    assert ran.error["message"] == "the unique key 'k' is in use by task 1"
    assert "--if-exists ignore" in ran.error["hint"]


def test_the_id_of_the_other_is_printed_with_a_word_beside_it(cli):
    cli("enqueue", "add", "--unique", "k")
    ran = cli("enqueue", "add", "--unique", "k", "--if-exists", "ignore")
    assert (ran.code, ran.out) == (0, "1\n")
    assert ran.err == "task 1 has this unique key already; it is pending\n"
    ran = cli("enqueue", "add", "--unique", "k", "--if-exists", "ignore", "--json")
    assert ran.json == {"id": 1, "is_duplicate": True}


def test_a_waiting_one_is_replaced_and_put_off(cli):
    words = ("--unique", "k", "--if-exists", "replace", "--delay", "1h", "--max-wait", "90m")
    assert cli("enqueue", *words, "--", "echo", "old").out == "1\n"
    assert cli("enqueue", *words, "--", "echo", "new").out == "1\n"
    task = cli.queue.get(1)
    assert task.command == ("echo", "new")
    assert HOUR <= task.run_at - task.created_at < HOUR + timedelta(minutes=5)
    assert cli("task", "show", "1", "--json").json["unique_key"] == "k"


def rule(cli):
    """How the key of task 1 is stored: its statuses, and for how long."""
    with cli.queue.database.reading() as transaction:
        statement = "SELECT unique_in, unique_until - created_at FROM tasks WHERE id = 1"
        bits, span = transaction.exec_driver_sql(statement).one()
    statuses = {status for at, status in enumerate(Status) if bits & 1 << at}
    return statuses, span and timedelta(microseconds=span)


@pytest.mark.parametrize(
    ("words", "statuses"),
    [
        ([], LIVE),
        (["live"], LIVE),
        (["waiting"], WAITING),
        (["waiting", "live"], LIVE),
        (["completed"], LIVE | {Status.COMPLETED}),
        (["failed", "cancelled"], LIVE | {Status.FAILED, Status.CANCELLED}),
    ],
)
def test_for_how_long_it_holds_is_said_in_words(cli, words, statuses):
    options = [word for each in words for word in ("--unique-while", each)]
    assert cli("enqueue", "add", "--unique", "k", "--unique-for", "1h", *options).code == 0
    assert rule(cli) == (statuses, HOUR)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--unique", ""], "must be a key of 1 to 500 characters"),
        (["--unique", "x" * 501], "must be a key of 1 to 500 characters"),
        (["--unique", "k", "--if-exists", "skip"], "must be error, ignore or replace"),
        (["--unique", "k", "--unique-for", "soon"], "no length of time"),
        (["--unique", "k", "--unique-for", ""], "no length of time"),
        (["--unique", "k", "--unique-for", "0"], "unique.within"),
        (["--unique", "k", "--max-wait", "1h"], "goes with on_conflict='replace' only"),
        (["--unique", "k", "--unique-while", "running"], "a task is unique while waiting, live,"),
        (["--unique-for", "1h"], "--unique-for goes with --unique"),
        (["--unique-while", "live"], "--unique-while goes with --unique"),
        (["--if-exists", "ignore"], "--if-exists goes with --unique"),
        (["--max-wait", "1h"], "--max-wait goes with --unique"),
    ],
)
def test_what_makes_no_sense_is_refused(cli, words, problem):
    ran = cli("enqueue", "add", *words)
    assert (ran.code, ran.out) == (2, "")
    assert problem in ran.err
    assert len(ran.err.splitlines()) in {1, 2}


def test_lines_tell_a_key_or_a_whole_rule(cli):
    whole = {"key": "b", "within": 3600, "in": ["completed"], "on_conflict": "ignore"}
    name = cli.lines(
        {"ref": "b", "function": "add", "unique": whole},
        {"ref": "again", "function": "add", "unique": whole},
        {"ref": "a", "function": "add", "unique": "a"},
        {"ref": "by", "function": "add", "kwargs": {"a": 1}, "unique": {"by": ["a"]}},
        {"ref": "none", "function": "add", "unique": None},
        {"ref": "waits", "function": "add", "unique": {"key": "w", "in": "waiting"}},
        {"ref": "after", "function": "add", "after": ["again"]},
    )
    ids = cli("enqueue", "--from", name, "--json").json
    assert ids["again"] == ids["b"]
    assert rule(cli) == (LIVE | {Status.COMPLETED}, HOUR)
    assert cli.queue.get(ids["by"]).unique_key == 'add({"a":1})'
    assert cli.queue.get(ids["none"]).unique_key is None
    assert cli.queue.get(ids["after"]).after == (ids["b"],)


@pytest.mark.parametrize(
    ("unique", "problem"),
    [
        (5, "unique must be text, not int"),
        ([], "unique must be text, not list"),
        ({"keys": "k"}, "unknown key 'keys' in unique"),
        ({"key": 5}, "unique must be text, not int"),
        ({"key": "k", "within": "1h"}, "unique.within must be a number of seconds"),
        ({"key": "k", "within": 1e300}, "unique.within is too long"),
        ({"key": "k", "in": []}, "a task is unique while"),
        ({"key": "k", "in": 5}, "a task is unique while"),
        ({"key": "k", "in": [[]]}, "a task is unique while"),
        ({"key": "k", "on_conflict": "skip"}, "unique.on_conflict must be"),
        ({"by": "a"}, "unique.by must be a list"),
    ],
)
def test_a_bad_rule_is_named_by_its_line(cli, unique, problem):
    name = cli.lines({"function": "add"}, {"function": "add", "unique": unique})
    ran = cli("enqueue", "--from", name, "--json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.error["message"].startswith(f"line 2: {problem}")
    assert sum(cli.queue.counts().values()) == 0
