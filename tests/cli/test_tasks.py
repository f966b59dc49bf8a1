"""`jobrunner task …`: what it shows to people, to pipes and to programs, and what it does."""

import re

import pytest

TASK = {
    *("id", "description", "status", "created_at", "queue", "function", "command", "args"),
    *("kwargs", "priority", "attempt", "max_attempts", "crashes", "run_at", "started_at"),
    *("finished_at", "worker_id", "progress", "result", "error", "after"),
}
ATTEMPT = {"number", "worker_id", "started_at", "ended_at", "outcome", "error"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def test_show_in_json_has_what_others_rely_on(cli):
    cli.enqueue(args=[1], kwargs={"b": 2}, description="a sum")
    cli.enqueue("thumbnail", args=["a.png"], after=[1])
    cli.drain()
    first, second = (cli("task", "show", task_id, "--json").json for task_id in (1, 2))
    assert set(first) >= TASK | {"attempts"}
    assert (first["id"], first["status"], first["description"]) == (1, "completed", "a sum")
    assert (first["args"], first["kwargs"], first["result"]) == ([1], {"b": 2}, 3)
    assert (first["after"], second["after"]) == ([], [1])
    assert second["progress"] == {"done": 1.0, "total": 2.0, "note": "halving"}
    assert all(MOMENT.fullmatch(first[name]) for name in ("created_at", "run_at", "finished_at"))
    (attempt,) = first["attempts"]
    assert set(attempt) >= ATTEMPT
    assert (attempt["number"], attempt["outcome"], attempt["error"]) == (1, "completed", None)
    assert MOMENT.fullmatch(attempt["ended_at"])


def test_show_in_json_of_a_task_that_has_not_started_has_the_same_names(cli):
    cli.enqueue(command=["echo", "1"])
    shown = cli("task", "show", 1, "--json").json
    assert set(shown) >= TASK | {"attempts"}
    assert (shown["command"], shown["function"]) == (["echo", "1"], None)
    assert [shown[name] for name in ("progress", "result", "worker_id", "finished_at")] == [
        None
    ] * 4
    assert shown["attempts"] == []


def test_list_in_json_has_the_same_without_attempts(cli):
    cli.enqueue()
    cli.enqueue(command=["ls"])
    found = cli("task", "list", "--json").json
    assert [task["id"] for task in found] == [2, 1]
    assert all(set(task) >= TASK and "attempts" not in task for task in found)


def test_list_in_a_pipe_is_a_heading_and_tab_separated_lines(cli):
    cli.enqueue(priority=3)
    cli.enqueue(command=["ls", "-l"])
    assert cli("task", "list").out.splitlines() == [
        "id\tstatus\ttask\tqueue\tpriority\tattempt\tprogress",
        "2\tpending\tls -l\tdefault\t0\t0/5\t",
        "1\tpending\tadd\tdefault\t3\t0/5\t",
    ]


def test_list_filters_and_goes_on_below_an_id(cli):
    for queue in ("a", "b", "a", "a"):
        cli.enqueue(queue=queue)
    cli.enqueue("fail", queue="a")
    cli("task", "cancel", 1)

    def ids(*words):
        return [task["id"] for task in cli("task", "list", "--json", *words).json]

    assert ids("-q", "a", "--function", "add") == [4, 3, 1]
    assert ids("--status", "cancelled") == [1]
    assert ids("--limit", "2") == [5, 4]
    assert ids("--limit", "2", "--before", "4") == [3, 2]
    assert ids("--before", 2**63) == [5, 4, 3, 2, 1]
    assert ids("--before", 1) == ids("--before", 0) == ids("--before", "-5") == []


def test_a_status_that_is_none_is_refused_with_those_there_are(cli):
    cli.enqueue()
    ran = cli("task", "list", "--status", "done")
    assert ran.code == 2
    assert "in_progress" in ran.err


def test_show_for_people_names_what_there_is(cli):
    cli.enqueue("fail", description="it fails", max_attempts=1)
    cli.drain()
    ran = cli("task", "show", 1)
    fields = dict(line.split("\t", 1) for line in ran.out.partition("\n\n")[0].splitlines())
    assert fields["status"] == "Failed"
    assert fields["error"] == "ValueError: out of luck"
    assert "result" not in fields
    assert ran.out.splitlines()[-1].startswith("1\tfailed\t")


def test_cancel_and_retry_tell_what_came_of_each(cli):
    cli.enqueue()
    cli.enqueue()
    assert cli("task", "cancel", 1, 2).out == "task 1: cancelled\ntask 2: cancelled\n"
    assert cli("task", "retry", 1, "--json").json == {"1": "pending"}


def test_the_others_are_acted_on_when_one_cannot_be(cli):
    cli.enqueue()
    ran = cli("task", "cancel", 7, 1, 8)
    assert ran.code == 3
    assert ran.out == "task 1: cancelled\n"
    assert "there is no task 7" in ran.err
    assert "there is no task 8" in ran.err


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_what_has_completed_is_left_alone(cli, action):
    cli.enqueue()
    cli.drain()
    ran = cli("task", action, 1)
    assert ran.code == 1
    assert "completed" in ran.err
    assert cli.queue.get(1).status == "completed"


def test_update_changes_a_waiting_task_and_says_so(cli):
    cli.enqueue()
    ran = cli("task", "update", 1, "-p", "9", "-q", "b", "--description", "x")
    assert (ran.code, ran.out) == (0, "task 1: changed\n")
    task = cli.queue.get(1)
    assert (task.priority, task.queue, task.description) == (9, "b", "x")
    assert cli("task", "update", 1, "-p", "8", "--json").json["priority"] == 8


def test_update_without_a_change_is_refused(cli):
    cli.enqueue()
    ran = cli("task", "update", 1)
    assert ran.code == 2
    assert "nothing to change" in ran.err


def test_wait_returns_with_the_tasks_in_the_order_asked_for(cli):
    cli.enqueue()
    cli.enqueue()
    cli.drain()
    ran = cli("task", "wait", 2, 1)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert [task["id"] for task in cli("task", "wait", 2, 1, "--json").json] == [2, 1]


def test_wait_in_json_shows_the_tasks_also_when_one_failed(cli):
    cli.enqueue("fail", max_attempts=1)
    cli.drain()
    ran = cli("task", "wait", 1, "--json")
    assert ran.code == 6
    assert ran.json[0]["error"] == "ValueError: out of luck"
    assert ran.error["message"] == "task 1 failed: ValueError: out of luck"


def test_log_shows_what_a_command_wrote(cli):
    cli.enqueue(command=["sh", "-c", "echo out; echo err >&2; exit 3"], max_attempts=1)
    cli.drain()
    ran = cli("task", "log", 1)
    assert (ran.code, ran.out, ran.err) == (0, "out\n", "err\n")
    (attempt,) = cli("task", "log", 1, "--json").json
    assert (attempt["stdout"], attempt["stderr"], attempt["exit_code"]) == ("out\n", "err\n", 3)


def test_log_shows_the_traceback_of_a_function(cli):
    cli.enqueue("fail", max_attempts=1)
    cli.drain()
    assert "ValueError: out of luck" in cli("task", "log", 1).err


def test_log_of_an_attempt_that_was_not_is_told(cli):
    cli.enqueue()
    ran = cli("task", "log", 1, "--attempt", 2, "--json")
    assert ran.code == 3
    assert ran.error["message"] == "task 1 has no attempt 2 that has begun"
