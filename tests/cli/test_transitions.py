"""`task history`, `events`, `report --as-of`: what tasks went through, and how they once stood."""

import json
import signal

import pytest

from jobrunner import TaskQueue

NAMES = {"task_id", "at", "what", "was", "status", "attempt", "worker_id", "detail"}


@pytest.fixture
def done(cli):
    """A task that failed, was retried by hand and failed again; one that waited for it."""
    cli.enqueue("fail", max_attempts=1)
    cli.enqueue(after=[1], description="behind it")
    cli.drain()
    cli("task", "retry", 1)
    cli.drain()
    return cli


def test_a_history_in_json_has_what_others_rely_on(done):
    told = done("task", "history", 1, "--json").json
    assert all(set(one) == NAMES for one in told)
    assert [one["what"] for one in told] == [
        *("enqueued", "started", "failed", "retried", "started", "failed")
    ]
    assert [one["status"] for one in told][-1] == done.queue.get(1).status
    assert (told[0]["was"], told[3]["was"], told[3]["status"]) == (None, "failed", "pending")
    assert "out of luck" in told[-1]["detail"]


def test_a_history_in_a_pipe_is_lines(done):
    heading, *lines = done("task", "history", 2).out.splitlines()
    assert heading == "at\twhat\tstatus\tattempt\tworker\tdetail"
    assert [line.split("\t")[1:3] for line in lines] == [
        ["enqueued", "blocked"],
        ["cancelled", "cancelled"],
    ]
    assert lines[1].endswith("task 1, which it depends on, failed")


def test_of_a_task_that_was_deleted_that_is_known(done):
    done("task", "delete", 1, 2, "--yes")
    (one,) = done("task", "history", 1, "--json").json
    assert (one["what"], one["was"], one["status"]) == ("deleted", "failed", None)
    assert "\tdeleted\tgone\t" in done("task", "history", 1).out
    assert done("task", "history", 9).code == 3


def test_events_are_told_in_order(done):
    lines = done("events").out.splitlines()
    assert [line.split("\t")[1:5] for line in lines[:2]] == [
        ["1", "enqueued", "pending", "fail"],
        ["2", "enqueued", "blocked", "behind it"],
    ]
    told = [json.loads(line) for line in done("events", "--json").out.splitlines()]
    assert all(set(one) == NAMES | {"name", "queue"} for one in told)
    assert [one["at"] for one in told] == sorted(one["at"] for one in told)
    every = [*done("task", "history", 1, "--json").json, *done("task", "history", 2, "--json").json]
    assert len(told) == len(every) == len(lines)
    newest = [json.loads(line) for line in done("events", "--json", "--limit", 2).out.splitlines()]
    assert newest == told[-2:]
    assert done("events", "--since", "2999-01-01T00:00").out == ""
    refused = done("events", "--since", "yesterday")
    assert (refused.code, "neither a length of time nor a moment" in refused.err) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_events_go_on_until_they_are_stopped(done, number):
    started = done.start("events", "-f", "--json", "--since", "1h", "--limit", 1)
    assert json.loads(started.stdout.readline())["what"] == "failed"
    TaskQueue(done.folder / "jobs.db").cancel(done.enqueue())
    told = [json.loads(started.stdout.readline()) for _ in range(2)]
    assert [(one["task_id"], one["what"]) for one in told] == [(3, "enqueued"), (3, "cancelled")]
    started.send_signal(number)
    out, err = started.communicate(timeout=60)
    assert (started.returncode, out, err) == (128 + number, "", "")


def test_a_report_tells_how_many_stood_where(done):
    before = done("report", "--as-of", "1h", "--json").json
    assert before["tasks"]["total"] == 0
    stored = done("task", "history", 1, "--json").json
    then = done("report", "--as-of", stored[1]["at"].replace("Z", "+00:00"), "--json").json
    assert {name for name, number in then["tasks"].items() if number} == {
        *("in_progress", "blocked", "total")
    }
    now = done("report", "--as-of", "0s")
    assert now.out.splitlines()[1] == "Tasks     2: 1 failed, 1 cancelled"
