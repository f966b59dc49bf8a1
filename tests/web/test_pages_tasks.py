"""The list of tasks: what it shows, how it is filtered and paged, and acts on many."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from markupsafe import escape

from jobrunner.core.bulk import Act
from jobrunner.core.new_task import NewTask
from jobrunner.core.role import Role
from jobrunner.core.status import Status
from jobrunner.web.pages.filters import Filter
from tests.web.task_data import HOSTILE, SECRET, fill

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
HTML = {"Accept": "text/html"}


@pytest.fixture
def many(queue):
    """130 tasks of two functions; every 13th is in a queue of its own."""
    new = [
        NewTask(
            function="odd" if n % 2 else "even",
            queue="rare" if n % 13 == 0 else "default",
            description=f"number {n}",
        )
        for n in range(1, 131)
    ]
    return queue.enqueue_ids(new)


def ids(text: str) -> list[int]:
    return [int(found) for found in re.findall(r'<tr id="task-(\d+)">', text)]


def link(text: str, rel: str) -> str | None:
    found = re.search(rf'<a href="([^"]+)" rel="{rel}">', text)
    return unescape(found[1]) if found else None


def tab(text: str, title: str) -> str:
    found = re.search(rf'>{title} <span class="tab-count">([^<]+)</span>', text)
    assert found
    return found[1]


def word(client: Any) -> str:
    found = re.search(r'name="csrf-token" content="(\w+)"', client.get("/tasks").text)
    assert found
    return found[1]


def post(client: Any, **fields: Any):
    return client.post("/tasks/many", data={"csrf_token": word(client)} | fields, headers=HTML)


@pytest.mark.parametrize("query", ["", "&queue=rare", "&function=odd", "&text=number", "&batch=9"])
def test_pages_go_both_ways_and_no_task_is_left_out_or_comes_twice(client, many, query):
    down: list[list[int]] = []
    url: str | None = f"/tasks?status=pending{query}"
    while url:
        text = client.get(url).text
        down.append(ids(text))
        last, url = url, link(text, "next")
    expected = {
        "": many,
        "&queue=rare": many[12::13],
        "&function=odd": many[::2],
        "&text=number": many,
        "&batch=9": [],
    }[query]
    assert [one for page in down for one in page] == expected[::-1]
    up: list[list[int]] = []
    url = last
    while url:
        text = client.get(url).text
        up.append(ids(text))
        url = link(text, "prev")
    assert [one for page in up[::-1] for one in page] == expected[::-1]


def test_tasks_that_come_meanwhile_do_not_move_the_pages(client, queue, many):
    text = client.get("/tasks").text
    first = ids(text)
    queue.enqueue_many([NewTask(function="new")] * 7)
    second = ids(client.get(link(text, "next")).text)
    assert second == many[::-1][50:100]
    back = client.get(link(client.get(link(text, "next")).text, "prev")).text
    assert ids(back) == first
    newest = client.get(link(back, "prev")).text
    assert len(ids(newest)) == 7


def test_counts_follow_the_filter(client, queue, many):
    queue.cancel(many[0])
    text = client.get("/tasks?function=odd&status=pending").text
    assert tab(text, "All") == "65"
    assert tab(text, "Pending") == "64"
    assert tab(text, "Cancelled") == "1"


def test_counts_are_capped(client, queue, many, monkeypatch):
    monkeypatch.setattr("jobrunner.web.pages.listing.MOST", 60)
    text = client.get("/tasks?function=odd").text
    assert tab(text, "Pending") == "60+"
    assert tab(text, "All") == "60+"


def test_a_filter_says_in_words_what_it_means(client):
    text = client.get("/tasks?status=failed&queue=mail&error=timed+out&worker=ada&batch=3").text
    told = "Failed tasks in the queue “mail” of batch 3 last run by the worker “ada” whose error"
    assert "contains “timed out”" in text
    assert all(part in text for part in told.split(" of batch"))
    assert 'value="mail"' in text


@pytest.mark.parametrize(
    "query",
    [
        "status=lost",
        "batch=x",
        "batch=9223372036854775808",
        "since=yesterday",
        "until=99999999999999w",
        "text=%00",
        "queue=" + "q" * 600,
    ],
)
def test_a_field_that_means_nothing_is_told_and_finds_nothing(client, many, query):
    answer = client.get(f"/tasks?{query}", headers=HTML)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert ids(answer.text) == []


@pytest.mark.parametrize(
    "cursor", ["before=0", "before=9223372036854775808", "before=x", "after=130"]
)
def test_odd_places_to_begin_are_no_fault(client, many, cursor):
    assert client.get(f"/tasks?{cursor}").status_code == 200


def test_a_span_in_a_filter_counts_back_from_now():
    asked = Filter.read({"since": "1h30m", "until": "2026-11-30T09:00"}, NOW)
    assert asked.query.created_since == NOW - timedelta(minutes=90)
    assert asked.query.created_until == datetime(2026, 11, 30, 9, tzinfo=UTC)
    assert asked.fixed["since"] == "2026-12-01T07:30:00+00:00"


def test_secrets_and_hostile_text_are_not_in_the_list(client, queue):
    fill(queue)
    text = client.get("/tasks").text
    assert SECRET not in text
    assert "no login for ••••" in text
    assert "<img" not in text
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert str(escape(HOSTILE[:40])) in text


def test_a_question_with_the_number_comes_before_the_act(client, queue, many):
    for task_id in many[:3]:
        queue.cancel(task_id)
    asked = post(client, act="retry all", status="cancelled")
    assert "Retry 3 cancelled tasks?" in asked.text
    assert queue.counts()[Status.CANCELLED] == 3
    done = post(client, act="retry all", status="cancelled", confirmed="1")
    assert "3 tasks were retried." in done.text
    assert queue.counts()[Status.CANCELLED] == 0


def test_all_that_match_are_those_that_the_filter_shows(client, queue, many):
    fields = {"function": "odd", "text": "number 1", "queue": "default"}
    shown = client.get("/tasks?function=odd&text=number+1&queue=default").text
    number = int(tab(shown, "All"))
    asked = post(client, act="cancel all", **fields)
    assert f"Cancel {number} unfinished tasks?" in asked.text
    post(client, act="cancel all", confirmed="1", **fields)
    assert queue.counts()[Status.CANCELLED] == number


def test_chosen_tasks_are_acted_on_and_those_refused_are_told(client, queue, many):
    queue.cancel(many[0])
    asked = post(client, act="cancel chosen", ids=[str(one) for one in many[:3]])
    assert "Cancel 2 tasks?" in asked.text
    assert "1 of the 3 chosen cannot be" in asked.text
    done = post(client, act="cancel chosen", ids=[str(one) for one in many[:3]], confirmed="1")
    assert "2 tasks were cancelled; 1 could not be." in done.text
    assert f'<a href="/tasks/{many[0]}">' in done.text
    assert queue.counts()[Status.CANCELLED] == 3


def test_deleting_many_is_written_down_with_its_filter(client, queue, many):
    queue.bulk.cancel(queue="rare")
    post(client, act="delete all", queue="rare", status="cancelled", confirmed="1")
    assert queue.insight.counts()[Status.CANCELLED] == 0
    (entry,) = queue.audit.list(limit=1)
    assert entry.action == f"bulk {Act.DELETE}"
    assert entry.detail["queue"] == "rare"


@pytest.mark.parametrize(
    "fields", [{}, {"act": "retry chosen"}, {"act": "burn all"}, {"act": "retry all", "batch": "x"}]
)
def test_an_order_that_is_none_is_refused(client, queue, many, fields):
    assert post(client, **fields, confirmed="1").status_code == 422


def test_more_than_one_transaction_sees_to_many(client, queue):
    queue.enqueue_ids([NewTask(function="f")] * 1_200)
    asked = post(client, act="cancel all")
    assert "Cancel 1,200 unfinished tasks?" in asked.text
    assert "1,200 tasks were cancelled." in post(client, act="cancel all", confirmed="1").text


@pytest.mark.parametrize("role", [Role.READ, Role.SUBMIT])
def test_who_may_only_look_is_shown_no_acts_and_refused(make_client, queue, tokens, many, role):
    client = make_client(token=tokens[role])
    text = client.get("/tasks").text
    assert "/tasks/many" not in text
    assert "checkbox" not in text
    answer = client.post("/tasks/many", data={"act": "cancel all", "confirmed": "1"})
    assert answer.status_code == 403
    assert queue.counts()[Status.CANCELLED] == 0


def test_a_server_that_only_reads_shows_no_acts_and_refuses(make_client, queue, many):
    client = make_client(read_only=True)
    text = client.get("/tasks").text
    assert "/tasks/many" not in text
    assert "/tasks/new" not in text
    assert post(client, act="cancel all", confirmed="1").status_code == 403
    assert queue.counts()[Status.CANCELLED] == 0


def test_a_form_without_its_word_is_refused(client, queue, many):
    assert (
        client.post("/tasks/many", data={"act": "cancel all", "confirmed": "1"}).status_code == 403
    )
    assert queue.counts()[Status.CANCELLED] == 0
