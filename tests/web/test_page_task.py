"""The page of a task: what it shows, each act by status, and what is downloaded."""

import json
import re
from typing import Any

import pytest
from markupsafe import escape

from jobrunner.core.masking import MASK
from jobrunner.core.new_task import NewTask
from jobrunner.core.role import Role
from jobrunner.core.status import Status
from tests.web.task_data import HOSTILE, SECRET, fill, run

HTML = {"Accept": "text/html"}


@pytest.fixture
def made(queue):
    return fill(queue)


def page(client: Any, task: Any) -> str:
    answer = client.get(f"/tasks/{task.id}", headers=HTML)
    assert answer.status_code == 200
    return answer.text


def post(client: Any, task: Any, path: str = "", **fields: str):
    found = re.search(r'name="csrf-token" content="(\w+)"', client.get("/tasks").text)
    assert found
    fields = {"csrf_token": found[1], **fields}
    return client.post(f"/tasks/{task.id}{path}", data=fields, headers=HTML)


def acts(text: str) -> set[str]:
    return set(re.findall(r'name="act" value="(\w+)"', text))


def test_each_status_offers_the_acts_that_it_allows(client, made):
    offered = {word: acts(page(client, task)) for word, task in made.items()}
    assert offered["failed"] == {"retry", "delete"}
    assert offered["cancelled"] == {"retry", "delete"}
    assert offered["completed"] == {"downstream", "delete"}
    assert offered["pending"] == {"cancel"}
    assert offered["scheduled"] == {"start", "cancel"}
    assert offered["event"] == {"cancel"}
    assert "/change" in page(client, made["pending"])
    assert "/change" not in page(client, made["failed"])


def test_a_failed_task_with_dependents_offers_to_retry_them_too(client, queue):
    parent = queue.enqueue(NewTask(command=["false"], max_attempts=1))
    queue.enqueue(NewTask(command=["true"], after=[parent]))
    run(queue, 1)
    assert acts(page(client, parent)) == {"retry", "downstream", "failed_only", "delete"}
    assert post(client, parent, act="failed_only").headers["location"].endswith("did=mended")
    assert parent.refresh().status is Status.PENDING


@pytest.mark.parametrize(
    ("word", "act", "did"),
    [
        ("failed", "retry", "retried"),
        ("completed", "downstream", "rerun"),
        ("pending", "cancel", "cancelled"),
        ("scheduled", "start", "started"),
    ],
)
def test_an_act_is_done_written_down_and_told(client, queue, made, word, act, did):
    answer = post(client, made[word], act=act)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/tasks/{made[word].id}?did={did}"
    assert 'class="flash' in client.get(answer.headers["location"]).text
    after = Status.CANCELLED if act == "cancel" else Status.PENDING
    assert made[word].refresh().status is after
    assert queue.audit.list(limit=1)[0].target == str(made[word].id)


def test_an_act_that_is_refused_is_told_on_the_page(client, made):
    answer = post(client, made["completed"], act="cancel")
    assert answer.status_code == 409
    assert "flash-error" in answer.text
    assert post(client, made["completed"], act="burn").status_code == 422


def test_a_deleted_task_is_gone_and_one_that_is_needed_stays(client, made):
    assert post(client, made["failed"], act="delete").headers["location"] == "/tasks"
    assert client.get(f"/tasks/{made['failed'].id}", headers=HTML).status_code == 404
    assert post(client, made["pending"], act="delete").status_code in (303, 409)


@pytest.mark.parametrize("path", ["0", "99", "9223372036854775808", "x", "9" * 5_000])
def test_a_task_that_is_not_there_is_no_fault(client, path):
    assert client.get(f"/tasks/{path}", headers=HTML).status_code in (404, 422)


def test_a_waiting_task_is_changed_and_its_secrets_stay(client, queue):
    task = queue.enqueue(NewTask(function="f", kwargs={"password": SECRET, "n": 1}))
    text = client.get(f"/tasks/{task.id}/change").text
    assert SECRET not in text
    kwargs = json.dumps({"password": MASK, "n": 12345678901234567890123}, ensure_ascii=False)
    answer = post(
        client,
        task,
        "/change",
        kwargs=kwargs,
        queue="mail",
        priority="9",
        run_at="2099-01-01T00:00+01:00",
        timeout="5m",
        max_attempts="3",
        description="a letter",
    )
    assert answer.headers["location"].endswith("did=changed")
    changed = task.refresh()
    assert changed.kwargs == {"password": SECRET, "n": 12345678901234567890123}
    assert (changed.queue, changed.priority, changed.max_attempts) == ("mail", 9, 3)
    assert changed.description == "a letter"
    assert changed.status is Status.SCHEDULED
    assert changed.run_at.year == 2098
    assert queue.audit.list(limit=1)[0].detail == {
        "changes": sorted(
            ["kwargs", "queue", "priority", "run_at", "timeout", "max_attempts", "description"]
        )
    }


def test_what_was_left_as_it_stood_is_no_change(client, queue, made):
    text = client.get(f"/tasks/{made['pending'].id}/change").text
    before = dict(re.findall(r'<input id="field-\w+" name="(\w+)" value="([^"]*)"', text))
    answer = post(client, made["pending"], "/change", **before)
    assert answer.headers["location"].endswith("did=unchanged")


@pytest.mark.parametrize(
    "fields", [{"priority": "x"}, {"kwargs": "[]"}, {"queue": ""}, {"run_at": "x"}]
)
def test_a_change_that_is_not_right_is_told_and_nothing_changes(client, made, fields):
    answer = post(client, made["pending"], "/change", **fields)
    assert answer.status_code == 422
    assert "flash-error" in answer.text
    assert made["pending"].refresh() == made["pending"]


def test_what_runs_or_has_ended_is_not_changed(client, made):
    assert post(client, made["failed"], "/change", priority="9").status_code == 409


def test_a_command_shows_what_it_wrote_and_its_exit_code(client, made):
    text = page(client, made["command"])
    assert "exit code 3" in text
    assert ">out\n</pre>" in text
    log = client.get(f"/tasks/{made['command'].id}/log").text
    assert "--- stdout ---\nout" in log


def test_hostile_text_leaks_no_markup(client, made):
    for task in made.values():
        text = page(client, task)
        assert "<img" not in text
        assert "<script>alert" not in text
        assert "{{ 7*7 }}" in text or task.id != made["hostile"].id
        assert "\u202e" not in text
        assert "\x1b" not in text
    assert str(escape(HOSTILE[:40])) in page(client, made["hostile"])


def test_steps_and_events_are_shown(client, made):
    steps = page(client, made["steps"])
    assert "Steps that are done" in steps
    assert 'scope="row">fetch' in steps
    event = page(client, made["event"])
    assert "Events it waits for" in event
    assert "<strong>paid</strong>" in event


def test_neighbours_are_told_with_ids_as_text(client, made):
    told = client.get(f"/tasks/{made['blocked'].id}/neighbours").json()
    one, other = str(made["pending"].id), str(made["blocked"].id)
    assert [node["id"] for node in told["nodes"]] == [one, other]
    assert told["edges"] == [{"parent": one, "dependent": other, "on_failure": "cancel"}]


def test_why_it_does_not_run_is_told(client, queue, made):
    blocked = page(client, made["blocked"])
    assert "Why it does not run yet" in blocked
    assert "It waits for 1 other task to end." in blocked
    assert f'href="/tasks/{made["pending"].id}"' in page(client, made["blocked"])
    assert "It is to start" in page(client, made["scheduled"])
    queue.queues.pause("mail")
    pending = page(client, made["pending"])
    assert "No worker runs." in pending
    assert "is paused since" in pending
    assert 'aria-labelledby="why"' not in page(client, made["completed"])


def test_reading_is_all_that_a_token_to_read_allows(make_client, tokens, made):
    client = make_client(token=tokens[Role.READ])
    for task in made.values():
        text = page(client, task)
        assert acts(text) == set()
        assert "<form" not in text
        assert "/tasks/new" not in text
    for act in ("cancel", "retry", "delete"):
        assert client.post(f"/tasks/{made['pending'].id}", data={"act": act}).status_code == 403
    assert client.get(f"/tasks/{made['pending'].id}/change").status_code == 403
    assert made["pending"].refresh() == made["pending"]


def test_a_server_that_only_reads_shows_no_acts_and_refuses(make_client, made):
    client = make_client(read_only=True)
    text = page(client, made["pending"])
    assert acts(text) == set()
    assert "<form" not in text
    assert post(client, made["pending"], act="cancel").status_code == 403
    assert post(client, made["pending"], "/change", priority="9").status_code == 403
    assert made["pending"].refresh() == made["pending"]


def test_a_task_that_waits_tells_how_long_it_will_run(client, made):
    assert "<dt>Will run</dt><dd>unknown: " in page(client, made["pending"])
    assert "it takes 5</dd>" in page(client, made["pending"])
    assert "Will run" not in page(client, made["completed"])
