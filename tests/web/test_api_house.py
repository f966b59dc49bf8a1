"""Queues, workers, schedules, batches, events and reports over REST."""

import pytest

from jobrunner import NewTask
from jobrunner.core.control_objects import batch_object, queue_object, schedule_object
from jobrunner.core.objects import report_object
from jobrunner.core.task import WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.storage import workers

API = "/api/v1"


def add_worker(queue, name="ada-1", crew=""):
    now = queue.clock.now()
    info = WorkerInfo(
        id=WorkerId(name),
        host="here",
        boot_id="boot",
        pid=1,
        executor="thread",
        concurrency=4,
        queues=(),
        status=WorkerStatus.RUNNING,
        beat=0,
        started_at=now,
        seen_at=now,
        stopped_at=None,
        error=None,
        crew=crew,
    )
    queue.store.write(workers.register, info)


def test_queues_are_told_as_the_command_line_tells_them(queue, client):
    queue.enqueue(NewTask(function="f", queue="images"))
    told = client.get(f"{API}/queues").json()
    assert told == [queue_object(one) for one in queue.queues.list()]
    assert client.get(f"{API}/queues/images").json() == told[0]
    answer = client.get(f"{API}/queues/nothing")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:jobrunner:queue-not-found")


@pytest.mark.parametrize("name", ["images", "a/b", "a/pause", "Zoë & co?", "%2F", "..%2f"])
def test_a_queue_of_any_name_is_paused_and_resumed(queue, client, name):
    from urllib.parse import quote

    path = f"{API}/queues/{quote(name, safe='')}"
    answer = client.post(f"{path}/pause")
    assert answer.json() == {"name": name, "paused": True, "changed": True}
    assert client.post(f"{path}/pause").json()["changed"] is False
    assert client.get(path).json()["paused_at"] is not None
    assert [one.name for one in queue.queues.list()] == [name]
    assert client.post(f"{path}/resume").json()["changed"] is True


def test_limits_are_set_and_lifted_one_by_one(queue, client):
    path = f"{API}/queues/images/limits"
    told = client.put(path, json={"concurrency": 4, "rate": 10, "period": 60}).json()
    assert told == {"name": "images", "concurrency": 4, "rate": 10, "period": 60.0}
    told = client.put(path, json={"rate": None, "period": None}).json()
    assert told == {"name": "images", "concurrency": 4, "rate": None, "period": None}
    for wrong in ({}, {"rate": 10}, {"period": 3}, {"concurrency": 0}, {"concurrency": True}):
        assert client.put(path, json=wrong).status_code == 422
    told = client.put(f"{API}/keys/tenant:7/limits", json={"concurrency": 2}).json()
    assert told["concurrency"] == 2
    (key,) = client.get(f"{API}/keys").json()
    assert (key["name"], key["is_rule"], key["running"]) == ("tenant:7", True, 0)


def test_workers_and_crews_are_told_what_to_do(queue, client):
    add_worker(queue, crew="night")
    (worker,) = client.get(f"{API}/workers").json()
    assert (worker["id"], worker["paused_at"]) == ("ada-1", None)
    told = client.post(f"{API}/workers/ada-1/pause").json()
    assert told["workers"][0]["paused_at"] is not None
    told = client.post(f"{API}/workers/night/resize", json={"concurrency": 8, "crew": True}).json()
    assert (told["crews"][0]["concurrency"], told["workers"][0]["wanted"]) == (8, 8)
    assert client.get(f"{API}/crews").json()[0]["name"] == "night"
    assert client.post(f"{API}/workers/ada-1/resume").json()["workers"][0]["paused_at"] is None
    told = client.post(f"{API}/workers/ada-1/stop", json={"crew": False}).json()
    assert told["workers"][0]["stop_requested_at"] is not None
    assert client.post(f"{API}/workers/nobody/stop").status_code == 404


def test_workers_that_have_ended_are_told_if_asked_for(queue, client):
    add_worker(queue)
    queue.store.write(
        workers.declare_lost, WorkerId("ada-1"), seen_beat=0, reason="x", now=queue.clock.now()
    )
    assert client.get(f"{API}/workers").json() == []
    (worker,) = client.get(f"{API}/workers", params={"all": "true"}).json()
    assert (worker["status"], worker["error"]) == ("lost", "x")


def test_a_schedule_lives_over_rest(queue, client):
    asked = {
        "name": "nightly/eu",
        "cron": "0 2 * * *",
        "tz": "Europe/Paris",
        "task": {"function": "report", "kwargs": {"day": 1}},
        "overlap": "allow",
    }
    answer = client.post(f"{API}/schedules", json=asked)
    assert answer.status_code == 201
    (told,) = client.get(f"{API}/schedules").json()
    assert told == answer.json() == schedule_object(queue.schedules.get("nightly/eu"))
    path = f"{API}/schedules/nightly%2Feu"
    whole = client.get(path).json()
    assert (len(whole["upcoming"]), whole["ticks"]) == (5, [])
    assert client.post(f"{path}/pause").json()["paused_at"] is not None
    assert client.post(f"{path}/resume").json()["paused_at"] is None
    ran = client.post(f"{path}/run")
    assert (ran.status_code, ran.json()["kwargs"]) == (201, {"day": 1})
    assert client.get(ran.headers["location"]).json() == ran.json()
    assert (client.delete(path).status_code, client.delete(path).status_code) == (204, 404)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"cron": "0 2 * * *", "every": 60},
        {"cron": "never"},
        {"every": 0},
        {"cron": "@daily", "tz": "Mars/Base"},
        {"cron": "@daily", "anchor_at": "2026-01-01T00:00:00Z"},
        {"cron": "@daily", "task": {}},
        {"cron": "@daily", "task": {"function": "f", "after": [1]}},
    ],
)
def test_a_schedule_that_is_not_right_is_refused(queue, client, wrong):
    answer = client.post(f"{API}/schedules", json={"name": "n", "task": {"function": "f"}} | wrong)
    assert answer.status_code == 422
    assert queue.schedules.list() == []


def test_batches_are_told_and_lead_on(queue, client):
    for number in range(3):
        queue.batches.enqueue(
            [NewTask(function="f")], description=str(number), on_end=NewTask(function="g")
        )
    answer = client.get(f"{API}/batches", params={"limit": 2})
    assert [one["description"] for one in answer.json()] == ["2", "1"]
    assert "before=2" in answer.headers["link"]
    one = client.get(f"{API}/batches/1").json()
    assert one == batch_object(queue.batches.get(1))
    members = client.get(f"{API}/tasks", params={"batch_id": 1}).json()
    assert [task["batch_id"] for task in members] == [1]
    assert client.get(f"{API}/batches/9").status_code == 404


def test_an_event_is_sent_to_one_or_to_all(queue, client):
    told = client.post(f"{API}/events", json={"name": "approved", "payload": {"by": "Ada"}})
    assert told.json() == {"name": "approved", "task_id": None, "woken": 0}
    (event,) = queue.events.list()
    assert event.payload == {"by": "Ada"}
    lost = client.post(f"{API}/events", json={"name": "approved", "task_id": 7})
    assert lost.status_code == 404


def test_reports_are_those_of_the_command_line(queue, client):
    queue.enqueue(NewTask(function="f"))
    assert client.get(f"{API}/report").json() == report_object(queue.report())
    since = client.get(f"{API}/report", params={"since": "2026-01-01T00:00:00Z"})
    assert since.json()["tasks"]["total"] == 1
    status = client.get(f"{API}/status").json()
    assert (status["tasks"]["pending"], status["running"]) == (1, [])
    assert status["oldest_pending_s"] >= 0
