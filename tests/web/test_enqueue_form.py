"""The form that enqueues: each field, what is wrong with it, and who may."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from jobrunner.core.masking import MASK
from jobrunner.core.role import Role
from jobrunner.core.status import Status
from tests.web.task_data import SECRET, register

HTML = {"Accept": "text/html"}


def form(client: Any, path: str = "/tasks/new") -> dict[str, str]:
    text = client.get(path).text
    return dict(re.findall(r'name="(csrf_token|key)" value="(\w+)"', text))


def send(client: Any, **fields: str):
    return client.post("/tasks/new", data=form(client) | fields, headers=HTML)


def stored(queue: Any, answer: Any):
    assert answer.status_code == 303, answer.text
    return queue.get(int(urlsplit(answer.headers["location"]).path.rpartition("/")[2]))


def test_every_field_becomes_one_of_the_task(client, queue):
    parent = queue.new_task("parent")
    parent_id = queue.enqueue(parent).id
    fields = {
        "function": "mail.send",
        "args": "[1, 12345678901234567890123]",
        "kwargs": '{"to": "ada"}',
        "queue": "mail",
        "priority": "-7",
        "delay": "1h30m",
        "timeout": "90s",
        "max_attempts": "2",
        "unique": "one of these",
        "concurrency_key": "ada",
        "description": "a letter",
        "after": str(parent_id),
    }
    task = stored(queue, send(client, **fields))
    assert task.function == "mail.send"
    assert task.args == (1, 12345678901234567890123)
    assert task.kwargs == {"to": "ada"}
    assert (task.queue, task.priority, task.max_attempts) == ("mail", -7, 2)
    assert task.timeout.total_seconds() == 90
    assert (task.unique_key, task.concurrency_key) == ("one of these", "ada")
    assert task.description == "a letter"
    assert task.after == (parent_id,)
    assert task.status is Status.BLOCKED


@pytest.mark.parametrize(
    "fields",
    [
        {"function": ""},
        {"args": "{}"},
        {"kwargs": "[1]"},
        {"kwargs": '{"a": NaN}'},
        {"kwargs": "[" * 100_000},
        {"args": "[" + "9" * 5_000 + "]"},
        {"args": '["\\ud800"]'},
        {"kwargs": '{"a": 1, "a": 2}'},
        {"priority": "1.5"},
        {"priority": "9999999999"},
        {"delay": "soon"},
        {"run_at": "tomorrow"},
        {"run_at": "0001-01-01T00:00+14:00"},
        {"max_attempts": "0"},
        {"after": "1 x"},
        {"after": "999"},
        {"kwargs": '{"password": "••••"}'},
    ],
)
def test_a_field_that_is_not_right_is_told_and_nothing_is_stored(client, queue, fields):
    answer = send(client, **({"function": "f"} | fields))
    assert answer.status_code == 422
    assert "flash-error" in answer.text
    assert sum(queue.counts().values()) == 0


def test_what_was_written_stays_in_the_form(client):
    answer = send(client, function="f", priority="x", description="keep me")
    assert 'value="keep me"' in answer.text
    assert re.search(r'name="priority"[^>]*aria-invalid', answer.text)


def test_the_same_form_sent_twice_stores_one_task(client, queue):
    fields = form(client) | {"function": "f"}
    first, second = (client.post("/tasks/new", data=fields, headers=HTML) for _ in range(2))
    assert stored(queue, first).id == stored(queue, second).id
    assert sum(queue.counts().values()) == 1


def test_commands_are_offered_only_where_they_are_allowed(client, make_client, queue):
    assert 'name="command"' not in client.get("/tasks/new").text
    assert send(client, command='["true"]').status_code == 403
    generous = make_client(allow_commands=True)
    assert 'name="command"' in generous.get("/tasks/new").text
    assert stored(queue, send(generous, command='["echo", "a b"]')).command == ("echo", "a b")


def test_unknown_functions_are_refused_where_some_are_registered(client, queue):
    register(queue)
    assert send(client, function="nothing").status_code == 422
    assert 'value="media.thumbnail"' in client.get("/tasks/new").text


def test_a_form_like_another_task_masks_its_secrets(client, queue):
    task = queue.enqueue(queue.new_task("f", kwargs={"password": SECRET, "n": 1}))
    text = client.get(f"/tasks/new?like={task.id}").text
    assert SECRET not in text
    assert MASK in text
    assert client.get("/tasks/new?like=99", headers=HTML).status_code == 404


def test_who_may_submit_may_and_others_may_not(make_client, queue, tokens):
    for role in Role:
        client = make_client(token=tokens[role])
        may = role.allows(Role.SUBMIT)
        assert client.get("/tasks/new").status_code == (200 if may else 403)
        answer = client.post("/tasks/new", data={"function": "f"})
        assert answer.status_code == (303 if may else 403)
    assert sum(queue.counts().values()) == 2


def test_a_server_that_only_reads_stores_nothing(make_client, queue):
    assert send(make_client(read_only=True), function="f").status_code == 403
    assert sum(queue.counts().values()) == 0
