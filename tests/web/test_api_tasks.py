"""Tasks over REST: stored, one or many, changed, cancelled, retried, and what they left behind."""

import pytest

from jobrunner import NewTask
from jobrunner.core.objects import task_object
from jobrunner.core.status import Status
from jobrunner.testing import drain

TASKS = "/api/v1/tasks"


@pytest.fixture
def application(queue):
    """Two functions of the queue that is served."""

    @queue.task
    def add(a, b=0):
        return a + b

    @queue.task(max_attempts=1)
    def fail():
        raise ValueError("no luck")


def counted(queue):
    return sum(queue.counts().values())


def test_a_task_is_stored_as_it_was_asked_for(queue, client):
    asked = {
        "function": "resize",
        "args": ["a.png"],
        "kwargs": {"width": 800},
        "queue": "images",
        "priority": 7,
        "description": "Zoë",
        "timeout": 1.5,
        "max_attempts": 2,
        "run_at": "2030-12-01T09:00:00+01:00",
        "needs": {"gpu": 1},
        "unique": {"key": "a", "in": "waiting", "within": 60},
    }
    answer = client.post(TASKS, json=asked)
    assert answer.status_code == 201
    told = answer.json()
    assert answer.headers["location"] == f"{TASKS}/{told['id']}"
    assert told.pop("is_duplicate") is False
    assert told == task_object(queue.get(told["id"])) == client.get(f"{TASKS}/1").json()
    assert told["run_at"] == "2030-12-01T08:00:00.000000Z"
    assert told["timeout"] == 1.5
    assert told["status"] == "scheduled"


def test_the_same_key_again_stores_nothing_and_says_so(queue, client):
    headers = {"Idempotency-Key": "8e03978e"}
    first = client.post(TASKS, json={"function": "work"}, headers=headers)
    again = client.post(TASKS, json={"function": "work"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    assert counted(queue) == 1
    other = client.post(TASKS, json={"function": "other"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "urn:jobrunner:idempotency")


def test_a_batch_with_its_key_again_is_the_same_batch(queue, client):
    batch = {"tasks": [{"ref": "a", "function": "f"}, {"function": "g", "after": ["a"]}]}
    headers = {"Idempotency-Key": "nightly"}
    first = client.post(f"{TASKS}/batch", json=batch, headers=headers).json()
    assert client.post(f"{TASKS}/batch", json=batch, headers=headers).json() == first
    assert counted(queue) == 2


def test_a_task_that_is_there_already_is_found_and_not_made(client):
    asked = {"function": "f", "unique": {"key": "k", "on_conflict": "ignore"}}
    client.post(TASKS, json=asked)
    answer = client.post(TASKS, json=asked)
    assert (answer.status_code, answer.json()["id"]) == (200, 1)
    assert answer.json()["is_duplicate"] is True
    answer = client.post(TASKS, json={"function": "f", "unique": "k"})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:jobrunner:duplicate-task")


def test_tasks_of_one_request_wait_for_each_other_forward_and_back(queue, client):
    lines = [
        {"ref": "last", "function": "f", "after": ["first", 1], "after_any": ["middle"]},
        {"ref": "middle", "function": "f", "kwargs": {"x": {"$result": "first"}}},
        {"ref": "first", "function": "f"},
        {"function": "f"},
    ]
    stored = queue.enqueue(NewTask(function="before"))
    answer = client.post(f"{TASKS}/batch", json={"tasks": lines})
    assert answer.status_code == 201
    told = answer.json()
    by_ref = told["by_ref"]
    assert set(by_ref) == {"last", "middle", "first"}
    assert told["ids"][:3] == [by_ref["last"], by_ref["middle"], by_ref["first"]]
    last = queue.get(by_ref["last"])
    assert set(last.after) == {by_ref["first"], by_ref["middle"], stored.id}
    assert queue.get(by_ref["middle"]).after == (by_ref["first"],)
    assert last.status is Status.BLOCKED


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([{"function": "f", "command": ["ls"]}], "tasks[1]: function or command"),
        ([{"ref": "x"}], "tasks[1], ref 'x': function or command"),
        ([{"function": "f", "after": ["nobody"]}], "tasks[1]: it is to run after task nobody"),
        ([{"function": "f", "after": [77]}], "tasks[1]: it is to run after task 77"),
        ([{"ref": "good", "function": "f"}], "ref 'good': that is also the ref of tasks[0]"),
        ([{"function": "f", "args": [{"$result": "nobody"}]}], "tasks[1]: it is to run after"),
        ([{"function": "f", "delay": 9, "expires_in": 3}], "tasks[1]: expires_at or expires_in"),
        (
            [
                {"ref": "a", "function": "f", "after": ["b"]},
                {"ref": "b", "function": "f", "after": ["a"]},
            ],
            "these tasks wait for each other: a -> b -> a",
        ),
    ],
)
def test_many_tasks_are_stored_all_or_none(queue, client, lines, problem):
    good = {"ref": "good", "function": "f"}
    answer = client.post(f"{TASKS}/batch", json={"tasks": [good, *lines]})
    assert answer.status_code == 422
    assert problem in answer.json()["detail"]
    assert counted(queue) == 0


def test_a_function_that_the_application_has_not_is_refused(queue, client, application):
    answer = client.post(TASKS, json={"function": "ad"})
    assert answer.status_code == 422
    assert "Did you mean 'add'?" in answer.json()["hint"]
    assert client.post(TASKS, json={"function": "add", "args": [1]}).status_code == 201


def test_commands_are_taken_where_the_server_allows_them(client, make_client):
    asked = {"command": ["true"], "cwd": "/"}
    assert client.post(TASKS, json=asked).status_code == 403
    assert client.post(f"{TASKS}/batch", json={"tasks": [asked]}).status_code == 403
    answer = make_client(allow_commands=True).post(TASKS, json=asked)
    assert (answer.status_code, answer.json()["command"]) == (201, ["true"])


def test_results_attempts_and_logs_are_told(queue, client, application):
    client.post(TASKS, json={"function": "add", "args": [1], "kwargs": {"b": 2}})
    client.post(TASKS, json={"function": "fail"})
    before = client.get(f"{TASKS}/1/result").json()
    assert before == {"id": 1, "status": "pending", "result": None, "error": None}
    assert client.get(f"{TASKS}/1/attempts").json() == []
    drain(queue, raise_errors=False)
    assert client.get(f"{TASKS}/1/result").json()["result"] == 3
    failed = client.get(f"{TASKS}/2/result").json()
    assert (failed["status"], failed["error"]) == ("failed", "ValueError: no luck")
    (attempt,) = client.get(f"{TASKS}/2/attempts").json()
    assert (attempt["number"], attempt["outcome"]) == (1, "failed")
    (log,) = client.get(f"{TASKS}/2/log", params={"attempt": 1}).json()
    assert 'raise ValueError("no luck")' in log["traceback"]
    assert log["stdout"] is None
    assert client.get(f"{TASKS}/2/log", params={"attempt": 2}).json() == []


def test_what_a_command_wrote_is_told(queue, make_client):
    client = make_client(allow_commands=True)
    client.post(TASKS, json={"command": ["sh", "-c", "echo out; echo err >&2"]})
    drain(queue, raise_errors=False)
    (log,) = client.get(f"{TASKS}/1/log").json()
    assert (log["stdout"], log["stderr"], log["exit_code"]) == ("out\n", "err\n", 0)


def test_progress_is_null_until_something_was_told(client):
    client.post(TASKS, json={"function": "f"})
    told = client.get(f"{TASKS}/1/progress").json()
    assert told == {"id": 1, "status": "pending", "progress": None}


def test_a_waiting_task_is_changed_and_what_was_not_named_stays(queue, client):
    asked = {"function": "f", "kwargs": {"a": 1}, "timeout": 9, "description": "d"}
    client.post(TASKS, json=asked)
    changes = {"priority": 3, "timeout": None, "run_at": "2030-01-01T00:00:00Z"}
    told = client.patch(f"{TASKS}/1", json=changes).json()
    assert (told["priority"], told["timeout"], told["description"]) == (3, None, "d")
    assert told["status"] == "scheduled"
    assert told == task_object(queue.get(1))
    queue.cancel(1)
    answer = client.patch(f"{TASKS}/1", json={"priority": 1})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:jobrunner:task-state")
    assert client.patch(f"{TASKS}/2", json={"priority": 1}).status_code == 404


def test_a_task_is_cancelled_and_retried(queue, client):
    client.post(TASKS, json={"function": "f"})
    assert client.post(f"{TASKS}/1/cancel").json() == {"id": 1, "status": "cancelled"}
    assert client.post(f"{TASKS}/1/cancel").status_code == 409
    assert client.post(f"{TASKS}/1/retry").json() == {"id": 1, "status": "pending", "ids": [1]}
    assert client.post(f"{TASKS}/1/retry", json={"downstream": True}).status_code == 409
    assert client.post(f"{TASKS}/9/cancel").status_code == 404


def test_a_completed_task_runs_again_with_all_behind_it(queue, client, application):
    lines = [
        {"ref": "a", "function": "add", "args": [1]},
        {"function": "add", "args": [{"$result": "a"}]},
    ]
    client.post(f"{TASKS}/batch", json={"tasks": lines})
    drain(queue, raise_errors=False)
    answer = client.post(f"{TASKS}/1/retry", json={"downstream": True})
    assert answer.json() == {"id": 1, "status": "pending", "ids": [1, 2]}
    assert queue.get(2).status is Status.BLOCKED
