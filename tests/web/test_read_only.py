"""A server that only shows: nothing is written, whichever way a change would come."""

from contextlib import closing

import pytest
from sqlalchemy import inspect

from jobrunner import NewTask, TaskQueue
from jobrunner.core.bulk import Act
from jobrunner.core.errors import SchemaError
from jobrunner.core.web_errors import ReadOnlyError
from jobrunner.storage import migrate
from jobrunner.web.options import ServeOptions
from jobrunner.web.server import Server
from tests.storage.later import downgrade

TASK = NewTask(function="work")


@pytest.fixture
def stored(queue):
    queue.enqueue(TASK)
    queue.store.read_only = True
    return queue


@pytest.mark.parametrize(
    "call",
    [
        lambda queue: queue.enqueue(TASK),
        lambda queue: queue.enqueue_many([TASK] * 200),
        lambda queue: queue.enqueue_ids([TASK]),
        lambda queue: queue.batches.enqueue([TASK]),
        lambda queue: queue.cancel(1),
        lambda queue: queue.update(1, priority=1),
        lambda queue: queue.retry(1, downstream=True),
        lambda queue: queue.bulk.do(Act.CANCEL, every=True),
        lambda queue: queue.queues.pause("default"),
        lambda queue: queue.crews.pause("night", crew=True),
        lambda queue: queue.schedules.add("daily", "@daily", TASK),
        lambda queue: queue.events.send("approved"),
        lambda queue: queue.retention.prune(),
        lambda queue: queue.tokens.add("ci"),
        lambda queue: queue.hooks.remove("ops"),
        lambda queue: queue.transaction().__enter__(),
    ],
)
def test_below_the_routes_nothing_is_written(stored, call):
    with pytest.raises(ReadOnlyError):
        call(stored)


def test_threads_that_share_transactions_do_not_write_either(stored, monkeypatch):
    monkeypatch.setattr(stored.store, "_may_share", lambda _new: True)
    with pytest.raises(ReadOnlyError):
        stored.enqueue(TASK)


def test_what_is_there_is_shown(stored):
    assert stored.get(1).status == "pending"
    assert sum(stored.counts().values()) == 1
    assert stored.tokens.list() == stored.audit.list() == []


def test_a_database_of_an_older_version_stays_as_it_is(queue, location):
    queue.enqueue(TASK)
    downgrade(queue.store.database, migrate.scripts(), to="0001")
    with closing(TaskQueue(location, emit=lambda _event: None)) as older:
        with pytest.raises(SchemaError):
            Server(older, ServeOptions(port=0, read_only=True))
        with older.store.unopened.reading() as connection:
            assert migrate.version(connection) == "0001"
            assert not inspect(connection).has_table("tokens")
    migrate.upgrade(queue.store.database)
