"""The pages of queues and concurrency keys: what waits and runs, paused and limited."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from jobrunner import NewTask
from jobrunner.core.limits import Limits, Rate
from jobrunner.core.role import Role
from tests.web.forms import press, pressed
from tests.web.house import assert_only_shown, busy
from tests.web.made_up import HOSTILE

NAMES = ["mail", HOSTILE, "a/b", "a/../b", ".", "..", "?x=1#y", "日本 %", " ", "a&b=c", "\\"]


def backlog(queue, name):
    (found,) = [one for one in queue.insight.queue_backlogs() if one.name == name]
    return found


def test_queues_tell_what_waits_runs_and_is_set(queue, client):
    busy(queue)
    queue.queues.limit("mail", concurrency=4, rate=(10, 60))
    page = client.get("/queues").text
    row = page[page.index('<a href="/queues/mail">') :].partition("</tr>")[0]
    assert ">4</a>" in row
    assert '<td class="num">3</td>' in row
    assert "4 at a time, 10 starts in 1m" in row
    assert "<time" in row


@pytest.mark.parametrize("name", NAMES)
def test_a_queue_of_any_name_has_a_page_and_is_paused_and_resumed(queue, client, name):
    queue.enqueue(NewTask(function="send", queue=name))
    listed = client.get("/queues").text
    assert "<img" not in listed
    pressed(client, "/queues", f"Pause the queue {name}")
    assert backlog(queue, name).is_paused
    page = f"/queues/?name={quote(name)}" if name in {".", ".."} else f"/queues/{quote(name, '')}"
    assert "status-paused" in client.get(page).text
    told = pressed(client, page, "Resume the queue")
    assert "Resumed." in told
    assert "<img" not in told
    assert "send" in told
    assert not backlog(queue, name).is_paused


def test_limits_are_set_changed_and_lifted(queue, client):
    queue.enqueue(NewTask(function="send", queue="mail"))
    fields = {"concurrency": "4", "rate": "10", "period": "1m30s"}
    assert "The limits have changed." in pressed(client, "/queues/mail", "Set limits", **fields)
    assert backlog(queue, "mail").limits == Limits(4, Rate(10, timedelta(seconds=90)))
    page = pressed(client, "/queues/mail", "Set limits", concurrency="")
    assert backlog(queue, "mail").limits == Limits(None, Rate(10, timedelta(seconds=90)))
    assert "10 starts in 1m30s" in page
    pressed(client, "/queues/mail", "Set limits", rate="")
    assert backlog(queue, "mail").limits == Limits()


@pytest.mark.parametrize(
    "fields", [{"concurrency": "0"}, {"rate": "x"}, {"rate": "1", "period": "?"}]
)
def test_limits_without_a_meaning_change_nothing(queue, client, fields):
    queue.queues.limit("mail", concurrency=4)
    assert press(client, "/queues/mail", "Set limits", **fields).status_code == 422
    assert backlog(queue, "mail").limits == Limits(4)


def test_keys_are_listed_and_limited(queue, client):
    new = [NewTask(function="crawl", concurrency_key=HOSTILE) for _ in range(3)]
    queue.enqueue_many([*new, NewTask(function="crawl", concurrency_key="host:a")])
    page = client.get(f"/queues?key={quote(HOSTILE)}").text
    assert "<img" not in page
    assert "1 at a time" in page
    pressed(client, f"/queues?key={quote(HOSTILE)}", "Set limits", concurrency="2")
    found = {one.name: one for one in queue.keys.list()}
    assert found[HOSTILE].limits.concurrency == 2
    pressed(client, "/queues", "Set limits", name="host", rate="5", period="10")
    assert {one.name: one.limits for one in queue.keys.list()}["host:a"].rate == (
        5,
        timedelta(seconds=10),
    )


def test_more_keys_than_a_page_shows_are_counted(queue, client, monkeypatch):
    monkeypatch.setattr("jobrunner.web.pages.queues.KEYS_SHOWN", 2)
    queue.enqueue_many([NewTask(function="crawl", concurrency_key=f"k{n}") for n in range(3)])
    page = client.get("/queues").text
    assert "The first 2 of 3" in page
    assert ">k2<" not in page


def test_the_page_of_a_queue_shows_what_runs_failed_and_came_last(queue, client):
    busy(queue)
    page = client.get("/queues/media").text
    assert "Running" in page
    assert "Newest" in page
    assert "<img" not in page
    assert "No task is in this queue" in client.get("/queues/unknown").text


def test_readers_and_read_only_servers_show_no_acts_and_take_none(queue, make_client, tokens):
    queue.enqueue(NewTask(function="send", queue="mail", concurrency_key="k"))
    told = {"act": "pause", "name": "mail"}
    assert_only_shown(make_client, tokens, "/queues", "/queues", **told)
    assert_only_shown(make_client, tokens, "/queues/mail", "/keys", name="k", concurrency="9")
    assert not backlog(queue, "mail").is_paused
    (key,) = queue.keys.list()
    assert not key.is_rule


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/queues", {"act": "pause", "name": ""}),
        ("/queues", {"act": "pause", "name": "x" * 600}),
        ("/queues", {"act": "pause", "name": "\x00"}),
        ("/queues", {"act": "pause"}),
        ("/queues", {"name": "mail"}),
        ("/keys", {"name": ""}),
        ("/keys", {"name": "k", "concurrency": "9" * 20}),
    ],
)
def test_what_makes_no_sense_is_refused(make_client, tokens, path, told):
    answer = make_client(token=tokens[Role.OPERATE]).post(path, data=told)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("path", ["/queues/%00", "/queues?key=%00", f"/queues/{'x' * 600}"])
def test_a_name_that_no_queue_has_is_refused(client, path):
    assert client.get(path).status_code == 422


def test_a_form_without_the_word_of_a_page_is_refused(queue, client):
    queue.enqueue(NewTask(function="send"))
    assert client.post("/queues", data={"act": "pause", "name": "default"}).status_code == 403
    assert not backlog(queue, "default").is_paused
