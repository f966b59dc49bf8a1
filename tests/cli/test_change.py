"""`task update` and `enqueue --expires`: times, arguments and commands of what waits."""

import json
from datetime import UTC, datetime, timedelta

import pytest


def test_named_arguments_are_changed_and_the_others_stay(cli):
    cli.enqueue("thumbnail", args=["a.png"], kwargs={"width": 1, "deep": [1]})
    ran = cli("task", "update", 1, "width:=800", "note=hello", "--json")
    assert ran.json["kwargs"] == {"width": 800, "deep": [1], "note": "hello"}
    assert ran.json["args"] == ["a.png"]


def test_its_time_is_moved(cli):
    cli.enqueue()
    assert cli("task", "update", 1, "--delay", "1h", "--json").json["status"] == "scheduled"
    assert cli("task", "update", 1, "--delay", "0", "--json").json["status"] == "pending"
    moved = cli("task", "update", 1, "--at", "2030-01-01T00:00:00+00:00", "--json").json
    assert (moved["status"], moved["run_at"]) == ("scheduled", "2030-01-01T00:00:00.000000Z")


def test_limits_are_set_and_taken_away(cli):
    cli.enqueue()
    given = ("--timeout", "90", "--max-attempts", 2, "--expires", "2h")
    changed = cli("task", "update", 1, *given, "--json").json
    assert (changed["timeout"], changed["max_attempts"]) == (90, 2)
    assert changed["expires_at"] is not None
    changed = cli("task", "update", 1, "--timeout", "none", "--expires", "none", "--json").json
    assert (changed["timeout"], changed["expires_at"]) == (None, None)


def test_a_command_is_replaced_by_what_stands_behind_the_dashes(cli):
    cli.enqueue(command=["ls"])
    assert cli("task", "update", 1, "--json", "--", "ls", "-l").json["command"] == ["ls", "-l"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--expires", "soon"), "neither a length of time nor a moment"),
        (("--delay", "1h", "--expires", "1h"), "before it may start"),
        (("width:=nope",), "is not JSON"),
        (("width",), "is no argument"),
        (("--", "ls"), "exactly one"),
        (("--max-attempts", "0"), "max_attempts"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(cli, words, problem):
    cli.enqueue("thumbnail", args=["a.png"])
    before = cli.queue.get(1)
    ran = cli("task", "update", 1, *words)
    assert ran.code == 2
    assert problem in ran.err
    assert cli.queue.get(1) == before


def test_a_task_is_enqueued_with_an_expiry(cli):
    cli("enqueue", "add", "a:=1", "--expires", "2h")
    left = cli.queue.get(1).expires_at - datetime.now(UTC)
    assert timedelta(minutes=119) < left <= timedelta(hours=2)
    cli("enqueue", "add", "a:=1", "--expires", "2030-01-01T00:00:00+00:00")
    assert cli.queue.get(2).expires_at == datetime(2030, 1, 1, tzinfo=UTC)


def test_lines_tell_their_expiry(cli):
    moment = "2030-01-01T00:00:00+00:00"
    line = {"function": "add", "args": [1]}
    told = cli.lines(line | {"expires_in": 60}, line | {"expires_at": moment})
    assert cli("enqueue", "--from", told).code == 0
    first, second = cli.queue.get(1), cli.queue.get(2)
    assert first.expires_at - first.created_at == timedelta(seconds=60)
    assert second.expires_at == datetime(2030, 1, 1, tzinfo=UTC)
    for wrong in ({"expires_in": "1h"}, {"expires_at": "2030-01-01"}, {"expires_in": -1}):
        ran = cli("enqueue", "--from", cli.lines(line | wrong))
        assert (ran.code, "line 1" in ran.err) == (2, True), json.dumps(wrong)


def test_an_expired_task_is_shown_as_cancelled_with_its_reason(cli):
    cli("enqueue", "add", "a:=1", "--expires", "1ms")
    cli.drain()
    task = cli.queue.get(1)
    assert (task.status, task.attempt) == ("cancelled", 0)
    assert task.error.startswith("expired: not started by ")
    assert cli("task", "retry", 1).code == 0
    cli.drain()
    assert cli.queue.get(1).status == "completed"
