"""The client over a bad line: what is stored is stored once, and what is not known is told so."""

import threading

import pytest

from jobrunner import NewTask, Status, WaitTimeoutError, Worker
from jobrunner.client import Client, waiting
from jobrunner.core.web_errors import (
    AnswerLostError,
    TooManyStreamsError,
    UnreachableError,
)
from jobrunner.web.options import ServeOptions
from jobrunner.web.server import serving
from jobrunner.web.stream import Feed
from tests.databases import on_a_file
from tests.web.cutting import proxy

PATIENCE = 30


def add(**fields):
    return NewTask(**({"function": "add", "args": [1, 2]} | fields))


@pytest.fixture
def line(serve):
    """A server behind a proxy, and the client that goes through it."""
    with proxy() as between:
        served = serve(hosts=(between.name,))
        between.start(int(served.url.rstrip("/").rpartition(":")[2]))
        with Client(between.url) as client:
            yield between, client


@pytest.mark.parametrize("drops", [1, 3])
def test_an_enqueue_whose_answer_is_lost_stores_once(line, queue, drops):
    between, client = line
    client.counts()
    between.to_drop = drops
    task = client.enqueue(add())
    assert between.to_drop == 0
    assert queue.find() == [task]
    between.to_drop = drops
    parent = add()
    tasks = client.enqueue_many([add(after=[parent]), parent])
    assert queue.find() == sorted([*tasks, task], key=lambda one: -one.id)
    between.to_drop = drops
    ids = client.enqueue_ids([add(), add()])
    assert len(queue.find()) == 5
    assert ids == sorted(task.id for task in queue.find())[-2:]


def test_two_calls_are_two_tasks(line, queue):
    _, client = line
    assert client.enqueue(add()).id != client.enqueue(add()).id
    assert len(queue.find()) == 2


@on_a_file
def test_what_may_be_done_is_not_done_again(line, queue):
    between, client = line
    task = client.enqueue(add())
    before = between.requests
    between.to_drop = 1
    with pytest.raises(AnswerLostError, match="was lost") as raised:
        client.cancel(task.id)
    assert raised.value.hint
    assert between.requests == before + 1
    assert queue.get(task.id).status is Status.CANCELLED


@on_a_file
def test_what_only_looks_is_asked_again(line, queue):
    between, client = line
    task = queue.enqueue(add())
    between.to_drop = 2
    assert client.get(task.id) == task


@on_a_file
def test_changes_are_told_over_a_cut(line, queue):
    between, client = line
    changes = client.events()
    begin = next(changes)
    assert begin.counts[Status.PENDING] == 0
    first = queue.enqueue(add())
    assert [one.id for one in next(changes).enqueued] == [first.id]
    between.cut()
    ids = queue.enqueue_ids([add(), add()])
    found = next(changes)
    assert [one.id for one in found.enqueued] == ids
    changes.close()
    again = client.events(str(begin.cursor))
    assert [one.id for one in next(again).enqueued] == [first.id, *ids]
    again.close()


@on_a_file
def test_a_wait_goes_on_over_cuts_and_a_restart(line, queue):
    between, client = line
    task = client.enqueue(add())
    ended = []
    waiter = threading.Thread(target=lambda: ended.append(task.wait(PATIENCE)))
    waiter.start()
    between.cut()
    with serving(queue, ServeOptions(port=0, hosts=(between.name,))) as server:
        between.upstream = server.options.port
        between.cut()
        queue.task(name="add")(lambda a, b: a + b)
        Worker(queue, concurrency=1).run(until_empty=True)
        waiter.join(PATIENCE)
    assert [one.result() for one in ended] == [3]


@on_a_file
def test_a_wait_without_a_stream_looks_now_and_then(remote, queue, monkeypatch):
    def refuse(*_args):
        raise TooManyStreamsError(0)

    monkeypatch.setattr(Feed, "listen", refuse)
    monkeypatch.setattr(waiting, "POLL_EVERY", 0.05)
    task = remote.enqueue(add())
    with pytest.raises(TooManyStreamsError):
        next(remote.events())
    cancel = threading.Timer(0.2, queue.cancel, [task.id])
    cancel.start()
    assert task.wait(PATIENCE).status is Status.CANCELLED
    cancel.join()


@on_a_file
def test_a_wait_leaves_nothing_behind(queue):
    with serving(queue, ServeOptions(port=0)) as server, Client(server.options.url) as client:
        task = client.enqueue(add())
        for _ in range(3):
            with pytest.raises(WaitTimeoutError):
                task.wait(0.2)
        names = [thread.name for thread in threading.enumerate()]
        assert "jobrunner-client-news" not in names


@on_a_file
def test_closing_a_client_ends_who_waits(queue):
    with serving(queue, ServeOptions(port=0)) as server:
        client = Client(server.options.url)
        task = client.enqueue(add())
        raised = []

        def wait():
            try:
                task.wait()
            except UnreachableError as error:
                raised.append(error)

        waiter = threading.Thread(target=wait)
        waiter.start()
        client.close()
        waiter.join(PATIENCE)
        assert not waiter.is_alive()
        assert "the client was closed" in str(raised[0])
