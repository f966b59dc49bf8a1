"""What an attempt writes while it runs: over REST, on the page of its task, in its download."""

import threading

import pytest

from jobrunner import Worker
from jobrunner.core.masking import MASK
from jobrunner.core.written import written_object
from jobrunner.runtime import outputs
from tests.runtime.support import PATIENCE, until
from tests.web.task_data import SECRET


@pytest.fixture
def start(queue, monkeypatch):
    """Start a task that has written two lines and a half, and goes on when it is told to.

    From the test itself: for that pytest puts another stdout in the place of the fixtures'.
    """
    monkeypatch.setattr(outputs, "LOOK_EVERY", 0.02)
    go_on, threads = threading.Event(), []

    @queue.task(max_attempts=1)
    def work(password):
        print(f"<b>one</b>\nwith {password}\nhalf a line", end="")  # noqa: T201 — what it is for
        go_on.wait(PATIENCE)
        print(" and the rest")  # noqa: T201 — as above

    def start():
        task = work.enqueue(password=SECRET)
        worker = Worker(queue, concurrency=1, capture=True)
        threads.append(threading.Thread(target=worker.run, kwargs={"max_tasks": 1}))
        threads[0].start()
        until(queue, lambda: "half" in queue.written(task.id).stdout.text)
        return task, go_on

    yield start
    go_on.set()
    for thread in threads:
        thread.join(PATIENCE)


def test_it_is_told_from_an_offset_on_until_it_has_ended(client, queue, start):
    task, go_on = start()
    place = f"/api/v1/tasks/{task.id}/log/live"
    told = client.get(place).json()
    assert told == written_object(queue.written(task.id))
    assert (told["run"], told["number"], told["outcome"]) == (0, 1, None)
    offset = told["stdout"]["offset"]
    assert offset == len(told["stdout"]["text"]) == len("<b>one</b>\nwith \nhalf a line" + SECRET)
    go_on.set()
    queue.wait([task], timeout=PATIENCE)
    told = client.get(place, params={"run": 0, "stdout": offset}).json()
    assert (told["outcome"], told["stdout"]["text"]) == ("completed", " and the rest\n")
    assert client.get(place, params={"run": 1}).json()["run"] is None
    assert client.get(place, params={"stdout": -1}).status_code == 422
    assert client.get("/api/v1/tasks/99/log/live").status_code == 404


def test_the_page_shows_whole_lines_without_secrets(client, start):
    task, _ = start()
    text = client.get(f"/tasks/{task.id}", headers={"Accept": "text/html"}).text
    assert "&lt;b&gt;one&lt;/b&gt;" in text
    assert f"with {MASK}" in text
    assert SECRET not in text
    assert "half a line" not in text
    assert "data-live-text" in text
    download = client.get(f"/tasks/{task.id}/log").text
    assert "=== attempt 1: running since " in download
    assert f"--- stdout, so far ---\n<b>one</b>\nwith {MASK}\n" in download


def test_a_client_follows_as_the_queue_does(either, queue, start):
    task, go_on = start()
    assert either.written(task.id) == queue.written(task.id)
    assert either.written(task.id, run=7) == queue.written(task.id, run=7)
    pieces = either.follow(task.id, on_wait=go_on.set)
    assert "".join(piece.text for piece in pieces).endswith("half a line and the rest\n")
