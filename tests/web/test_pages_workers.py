"""The page of the workers: who lives, what they run, and what is said to them."""

import pytest

from jobrunner.core.role import Role
from tests.web.forms import acts_of, press, pressed
from tests.web.house import assert_only_shown, busy, store_of
from tests.web.made_up import HOSTILE


@pytest.fixture
def store(queue):
    return busy(queue)


def info(queue, name):
    (found,) = [one for one in queue.workers() if one.id == name]
    return found


@pytest.mark.usefixtures("store")
def test_those_that_live_are_shown_with_what_they_run(client):
    page = client.get("/workers").text
    assert page.index(">ada<") < page.index("Ended") < page.index(">eve<")
    assert "box1 · pid 11" in page
    assert "3 of 4" in page
    assert "1 of 2" in page
    assert page.count('href="/tasks/') == 4
    assert "mail, media" in page
    assert "2 run, with 4 of 6 slots in use" in page


@pytest.mark.usefixtures("store")
def test_a_lost_worker_says_why_and_that_stays_text(client):
    page = client.get("/workers").text
    assert "status-lost" in page
    assert "onerror" in page
    assert "<img" not in page


@pytest.mark.usefixtures("store")
def test_a_worker_is_paused_drained_and_resumed(queue, client):
    page = pressed(client, "/workers", "Pause ada")
    assert info(queue, "ada").paused_at
    assert "Paused. What runs goes on" in page
    assert "ends 3, then drained" in page
    assert "Resumed." in pressed(client, "/workers", "Resume ada")
    assert info(queue, "ada").paused_at is None


def test_a_paused_worker_without_tasks_is_drained(queue, client):
    store_of(queue).worker("idle")
    assert ">drained<" in pressed(client, "/workers", "Pause idle")


@pytest.mark.usefixtures("store")
def test_a_worker_is_resized(queue, client):
    assert "Resized." in pressed(client, "/workers?resize=ada", "Resize", concurrency="9")
    assert info(queue, "ada").wanted == 9
    assert "3 of 9" in client.get("/workers").text
    pressed(client, "/workers?resize=ada", "Resize", concurrency="")
    assert info(queue, "ada").wanted is None


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("size", ["0", "-1", "10001", "²", "1e3", "9" * 19])
def test_a_size_that_no_worker_has_is_refused(queue, client, size):
    answer = press(client, "/workers?resize=ada", "Resize", concurrency=size)
    assert answer.status_code == 422
    assert info(queue, "ada").wanted is None


@pytest.mark.usefixtures("store")
def test_a_worker_is_stopped(queue, client):
    page = pressed(client, "/workers", "Stop bob")
    assert info(queue, "bob").stop_requested_at
    assert "Stop bob" not in acts_of(page)
    assert "status-stopping" in page


@pytest.mark.usefixtures("store")
def test_a_crew_is_paused_resized_and_resumed_with_those_to_come(queue, client):
    pressed(client, "/workers", "Pause the crew night")
    assert info(queue, "ada").paused_at
    pressed(client, "/workers?crew=night", "Resize", concurrency="5")
    (crew,) = queue.crews.list()
    assert (crew.name, crew.concurrency, bool(crew.paused_at)) == ("night", 5, True)
    pressed(client, "/workers", "Resume the crew night")
    pressed(client, "/workers", "Stop the crew night")
    assert info(queue, "ada").stop_requested_at
    assert info(queue, "bob").stop_requested_at is None


def test_the_name_of_a_crew_stays_text(queue, client):
    queue.crews.pause(HOSTILE, crew=True)
    page = client.get("/workers").text
    assert "<img" not in page
    assert "Resumed." in pressed(client, "/workers", f"Resume the crew {HOSTILE}")
    assert queue.crews.list() == []


def test_every_act_is_noted_with_who_did_it(queue, client):
    busy(queue)
    pressed(client, "/workers", "Pause ada")
    (entry,) = queue.audit.list()
    assert (entry.actor, entry.action, entry.target) == ("anonymous", "pause worker", "ada")


@pytest.mark.usefixtures("store")
def test_readers_and_read_only_servers_show_no_acts_and_take_none(queue, make_client, tokens):
    told = {"act": "pause", "who": "ada"}
    assert_only_shown(make_client, tokens, "/workers", "/workers", **told)
    assert info(queue, "ada").paused_at is None


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "told",
    [
        {"act": "pause", "who": "nobody"},
        {"act": "explode", "who": "ada"},
        {"act": "pause"},
        {"act": "pause", "who": "x" * 300},
        {"act": "pause", "who": "\x00"},
        {"act": "pause", "who": "", "crew": "1"},
        {"act": "resize", "who": "ada", "concurrency": "ten"},
    ],
)
def test_what_makes_no_sense_is_refused(make_client, tokens, told):
    answer = make_client(token=tokens[Role.OPERATE]).post("/workers", data=told)
    assert 400 <= answer.status_code < 500


def test_without_a_worker_the_page_tells_how_to_start_one(client):
    assert "jobrunner work" in client.get("/workers").text
