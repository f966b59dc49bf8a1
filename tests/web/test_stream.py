"""Open pages are told what happens: resumable, at most four times a second, one look for all."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from jobrunner import NewTask, TaskQueue, Worker
from jobrunner.core.errors import DatabaseError
from jobrunner.web import stream, update
from jobrunner.web.options import ServeOptions
from jobrunner.web.server import Server, serving
from tests.databases import on_a_file, on_a_server
from tests.web.conftest import Served
from tests.web.listening import PATH, Heard, listening


def add(queue: TaskQueue, count: int = 1) -> list[int]:
    return [task.id for task in queue.enqueue_many([NewTask(function="work")] * count)]


def told_of(heard: Heard, what: str) -> list[dict[str, Any]]:
    """The next that are told; the counts may be ahead of them."""
    while not (told := heard.next()[what]):
        pass
    return told


def run_all(queue: TaskQueue) -> None:
    queue.task(name="work")(lambda: None)
    Worker(queue, concurrency=1).run(until_empty=True)


@pytest.fixture
def started(queue) -> Iterator[tuple[Server, Served]]:
    """A server, and how to reach it."""
    with serving(queue, ServeOptions(port=0)) as server:
        many = httpx2.Limits(max_connections=40)
        with httpx2.Client(base_url=server.options.url, timeout=30, limits=many) as client:
            yield server, Served(queue, server.options.url, client)


def test_a_stream_begins_with_where_things_stand(served):
    (task_id,) = add(served.queue)
    with listening(served) as heard:
        event = heard.next()
        assert event["counts"]["pending"] == 1
        assert event["enqueued"] == event["ended"] == []
        assert event["cursor"] == heard.last_id == f"t{task_id}-a0"
        assert event["workers"] == {"alive": 0, "slots": 0, "paused": 0}
        assert heard.headers["content-type"].startswith("text/event-stream")
        assert heard.headers["x-accel-buffering"] == "no"
        assert heard.headers["cache-control"] == "no-store"


def test_what_is_stored_and_what_ends_is_told(served):
    with listening(served) as heard:
        heard.next()
        (task_id,) = add(served.queue)
        (told,) = told_of(heard, "enqueued")
        assert told == {"id": task_id, "name": "work", "queue": "default", "status": "pending"}
        run_all(served.queue)
        (ended,) = told_of(heard, "ended")
        assert ended["task_id"] == task_id
        assert ended["outcome"] == "completed"


@pytest.mark.parametrize("how", ["header", "address"])
def test_who_comes_back_is_told_what_was_missed(served, how):
    with listening(served) as heard:
        heard.next()
        add(served.queue)
        while heard.last_id != "t1-a0":  # counts may be ahead of it
            heard.next()
    ids = add(served.queue, 3)
    run_all(served.queue)
    known = {"Last-Event-ID": heard.last_id} if how == "header" else {}
    path = PATH if how == "header" else f"{PATH}?since={heard.last_id}"
    with listening(served, path, **known) as again:
        event = again.next()
        assert [each["id"] for each in event["enqueued"]] == ids
        assert {each["task_id"] for each in event["ended"]} == {*ids, ids[0] - 1}
        assert not event["is_cut"]
        (one,) = add(served.queue)
        assert [each["id"] for each in told_of(again, "enqueued")] == [one]


def test_of_much_that_was_missed_the_newest_is_told(served):
    with listening(served) as heard:
        heard.next()
    ids = add(served.queue, stream.MANY + 5)
    with listening(served, **{"Last-Event-ID": heard.last_id}) as again:
        event = again.next()
        assert [each["id"] for each in event["enqueued"]] == ids[5:]
        assert event["is_cut"]


def test_an_update_names_few_of_many(served):
    with listening(served) as heard:
        heard.next()
        ids = add(served.queue, stream.FEW + 5)
        assert [each["id"] for each in told_of(heard, "enqueued")] == ids[5:]


def test_there_are_at_most_four_updates_a_second(served):
    with listening(served) as heard:
        heard.next()
        began = time.monotonic()
        for _ in range(60):
            add(served.queue)
        events = heard.until(pending=60)
        seconds = time.monotonic() - began
        assert len(events) <= seconds / stream.GAP + 2


def test_one_look_serves_all_tabs(started):
    server, served = started
    with contextlib.ExitStack() as stack:
        tabs = [stack.enter_context(listening(served)) for _ in range(20)]
        for heard in tabs:
            heard.next()
        assert server.feed.listening == 20
        before, began = server.feed.looks, time.monotonic()
        add(served.queue)
        for heard in tabs:
            heard.until(pending=1)
        assert server.feed.looks - before <= (time.monotonic() - began) / stream.GAP + 2


@on_a_file
def test_idle_it_holds_no_transaction_and_reads_nothing(started, monkeypatch):
    server, served = started
    monkeypatch.setattr(update, "RATED_OVER", 1.0)
    monkeypatch.setattr(stream, "FADING", 0.1)
    with listening(served) as heard:
        add(served.queue)
        heard.until(pending=1)
        while heard.next()["rates"]["enqueued"]:
            pass
        looks = server.feed.looks
        with served.queue.database.outside() as connection:
            checkpoint = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            assert checkpoint.one() == (0, 0, 0)
        assert server.feed.looks == looks


@on_a_server
def test_idle_it_leaves_no_session_in_a_transaction(served, server):
    with listening(served) as heard, server.connection() as session:
        add(served.queue)
        heard.until(pending=1)
        heard.next()
        open_ = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND xact_start < now()"
        name = served.queue.database.url.database
        counts = [
            session.execute(f"{open_} - interval '0.5 s'", [name]).fetchone()[0] for _ in range(50)
        ]
        assert sum(counts) == 0


TOO_LATE = "graceful shutdown exceeded"
"""What uvicorn says where an answer did not end by itself."""


def test_a_server_with_open_streams_ends_at_once(queue, caplog):
    with contextlib.ExitStack() as stack:
        with serving(queue, ServeOptions(port=0)) as server:
            client = stack.enter_context(httpx2.Client(base_url=server.options.url, timeout=30))
            heard = stack.enter_context(listening(Served(queue, server.options.url, client)))
            heard.next()
        with pytest.raises(EOFError):
            heard.next()
    assert TOO_LATE not in caplog.text


def test_a_signal_ends_a_server_with_open_streams(location, queue):
    queue.counts()
    command = [sys.executable, "-m", "jobrunner", "--db", location, "serve", "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        url = process.stdout.readline().strip()
        client = httpx2.Client(base_url=url, timeout=30)
        with client, listening(Served(queue, url, client)) as heard:
            heard.next()
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=30)
            assert process.returncode == 128 + signal.SIGTERM
            assert TOO_LATE not in said
            with pytest.raises(EOFError):
                heard.next()


def test_who_leaves_is_forgotten(started):
    server, served = started
    with listening(served) as gone, listening(served) as heard:
        gone.next()
        heard.next()
        assert server.feed.listening == 2
        gone.close()
        while server.feed.listening == 2:
            add(served.queue)
            heard.next()


def test_the_thread_ends_when_nobody_listens(started, monkeypatch):
    _, served = started
    monkeypatch.setattr(stream, "LINGER", 0.0)
    with listening(served) as heard:
        heard.next()
        (thread,) = [each for each in threading.enumerate() if each.name == "jobrunner-feed"]
    add(served.queue)  # which wakes it
    thread.join(30)
    assert not thread.is_alive()
    with listening(served) as heard:
        assert heard.next()["counts"]["pending"] == 1


def test_streams_end_when_the_database_cannot_be_read(served, monkeypatch):
    with listening(served) as heard:
        heard.next()

        def refuse(*_args: object, **_named: object) -> None:
            raise DatabaseError("gone")

        monkeypatch.setattr(served.queue.insight, "changes_of", refuse)
        add(served.queue)
        with pytest.raises(EOFError):
            heard.next()
