"""The pages of schedules: rules in words, the next ticks and the last ones, and what is done."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from jobrunner import NewTask
from jobrunner.core.role import Role
from jobrunner.core.schedule_errors import ScheduleNotFoundError
from jobrunner.storage import firing
from jobrunner.testing import drain
from tests.web.forms import press, pressed
from tests.web.house import assert_only_shown, store_of
from tests.web.made_up import HOSTILE

REPORT = NewTask(function="report", kwargs={"day": HOSTILE})
ADD = "Add"


@pytest.fixture
def nightly(queue):
    return queue.schedules.add("nightly", "0 2 * * *", REPORT, tz="Asia/Kathmandu")


@pytest.mark.usefixtures("nightly")
def test_a_schedule_is_told_in_words_and_by_both_clocks(queue, client):
    page = client.get("/schedules").text
    assert "At 02:00 every day, Asia/Kathmandu time" in page
    assert "02:00:00 +0545" in page
    page = client.get("/schedules/nightly").text
    assert page.count("02:00:00 +0545") == 5
    assert page.count("20:15:00 UTC</td>") == 5
    assert "one task for all of them" in page
    assert "It has not fired yet." in page
    assert "<img" not in page


def test_one_that_goes_by_utc_has_one_clock(queue, client):
    queue.schedules.add("poll", timedelta(minutes=5), REPORT)
    page = client.get("/schedules/poll").text
    assert "Every 5 minutes" in page
    assert page.count(" UTC</td>") == 5


def test_the_last_ticks_are_told_with_their_tasks_and_outcomes(queue, client):
    @queue.task(max_attempts=1)
    def report() -> None:
        raise ValueError("no")

    queue.schedules.add("often", timedelta(seconds=1), report.bind())
    now = queue.clock.now() + timedelta(seconds=5)
    store_of(queue).write(firing.fire, now=now)
    drain(queue, raise_errors=False)
    page = client.get("/schedules/often").text
    assert "status-failed" in page
    assert 'href="/tasks/1"' in page
    assert "status-failed" in client.get("/schedules").text


@pytest.mark.usefixtures("nightly")
def test_a_schedule_is_paused_resumed_run_and_removed(queue, client):
    page = pressed(client, "/schedules/nightly", "Pause the schedule")
    assert queue.schedules.get("nightly").paused_at
    assert "Nothing while it is paused." in page
    pressed(client, "/schedules", "Resume nightly")
    assert queue.schedules.get("nightly").paused_at is None
    answer = press(client, "/schedules", "Run now nightly")
    assert answer.headers["location"].startswith("/tasks/1?")
    assert queue.get(1).kwargs == {"day": HOSTILE}
    assert "removed" in pressed(client, "/schedules/nightly", "Remove the schedule")
    with pytest.raises(ScheduleNotFoundError):
        queue.schedules.get("nightly")


@pytest.mark.parametrize("name", [HOSTILE, "a/b", "..", "new", "日本 %"])
def test_one_of_any_name_has_a_page(queue, client, name):
    queue.schedules.add(name, "@daily", NewTask(function=HOSTILE))
    page = f"/schedules/?name={name}" if name == ".." else f"/schedules/{quote(name, '')}"
    told = pressed(client, page, "Pause the schedule")
    assert queue.schedules.get(name).paused_at
    assert "Paused." in told
    assert "<img" not in told + client.get("/schedules").text


def test_one_is_added_with_all_that_the_form_says(queue, client):
    fields = {
        "name": "nightly",
        "rule": "0 2 * * 1-5",
        "tz": "Europe/Paris",
        "function": "report",
        "kwargs": '{"width": 800}',
        "queue": "reports",
        "missed": "all",
        "overlap": "queue",
    }
    assert "The schedule is added." in pressed(client, "/schedules", ADD, **fields)
    found = queue.schedules.get("nightly")
    assert (found.cron, found.tz, found.missed, found.overlap) == (
        "0 2 * * 1-5",
        "Europe/Paris",
        "all",
        "queue",
    )
    task = found.new_task()
    assert (task.function, task.kwargs, task.queue) == ("report", {"width": 800}, "reports")


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": "0 2 * *"},
        {"rule": "@every 5x"},
        {"tz": "Mars/Olympus"},
        {"kwargs": "{"},
        {"kwargs": "[1]"},
        {"kwargs": '{"x": NaN}'},
        {"kwargs": "[" * 5_000},
        {"function": ""},
        {"missed": "never"},
        {"name": " "},
        {"name": "x" * 250},
        {"queue": "x" * 600},
        {"rule": HOSTILE},
        {"name": "\x00"},
        {"queue": "\x00"},
        {"function": "\x00"},
    ],
)
def test_what_is_wrong_is_told_beside_the_form_with_all_that_was_written(queue, client, wrong):
    given = {"name": "n", "rule": "@daily", "function": "report", "kwargs": '{"kept": 1}'} | wrong
    answer = press(client, "/schedules", ADD, **given)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "<details" in answer.text
    assert " open" in answer.text
    assert "<img" not in answer.text
    if "kwargs" not in wrong:
        assert "&#34;kept&#34;" in answer.text
    assert queue.schedules.list() == []


@pytest.mark.usefixtures("nightly")
def test_the_form_changes_no_schedule_that_is_there(queue, client):
    fields = {"name": "nightly", "rule": "@hourly", "function": "other"}
    answer = press(client, "/schedules", ADD, **fields)
    assert answer.status_code == 422
    assert "already" in answer.text
    assert queue.schedules.get("nightly").cron == "0 2 * * *"


def test_commands_are_taken_only_where_the_server_allows_them(queue, make_client, tokens):
    told = {"name": "b", "rule": "@daily", "command": "rsync -a 'my data' /mnt"}
    client = make_client(token=tokens[Role.OPERATE])
    assert 'name="command"' not in client.get("/schedules").text
    assert client.post("/schedules/new", data=told).status_code == 403
    assert queue.schedules.list() == []
    client = make_client(token=tokens[Role.OPERATE], allow_commands=True)
    assert press(client, "/schedules", ADD, **told).status_code == 303
    (found,) = queue.schedules.list()
    assert tuple(found.new_task().command) == ("rsync", "-a", "my data", "/mnt")


def test_only_functions_that_are_registered_are_taken_and_they_are_offered(queue, client):
    @queue.task
    def known() -> None:
        return

    assert '<option value="known">' in client.get("/schedules").text
    fields = {"name": "n", "rule": "@daily", "function": "os.system"}
    assert press(client, "/schedules", ADD, **fields).status_code == 422
    assert queue.schedules.list() == []


@pytest.mark.usefixtures("nightly")
def test_readers_and_read_only_servers_show_no_acts_and_take_none(queue, make_client, tokens):
    told = {"act": "remove", "name": "nightly"}
    assert_only_shown(make_client, tokens, "/schedules", "/schedules", **told)
    new = {"name": "n", "rule": "@daily", "function": "f"}
    assert_only_shown(make_client, tokens, "/schedules/nightly", "/schedules/new", **new)
    assert [one.name for one in queue.schedules.list()] == ["nightly"]


@pytest.mark.parametrize(
    "told",
    [
        {"act": "pause", "name": "nobody"},
        {"act": "explode", "name": "nightly"},
        {"act": "run", "name": "\x00"},
        {"act": "run", "name": "x" * 300},
        {"act": "run"},
    ],
)
def test_what_makes_no_sense_is_refused(make_client, tokens, told):
    answer = make_client(token=tokens[Role.OPERATE]).post("/schedules", data=told)
    assert 400 <= answer.status_code < 500


def test_one_that_is_not_there_has_no_page(client):
    assert client.get("/schedules/none").status_code == 404
    assert client.get("/schedules/").status_code == 404
    assert client.get("/schedules/%00").status_code == 422
    assert client.get("/schedules/?name=%00").status_code == 422
