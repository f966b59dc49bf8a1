"""The client steers queues, crews, schedules, batches and events as a TaskQueue does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobrunner import InvalidTaskError, NewTask, Status, TaskNotFoundError, TaskStateError
from jobrunner.core.batch import BatchNotFoundError
from jobrunner.core.bulk import Refused
from jobrunner.core.control_errors import WorkerNotFoundError
from jobrunner.core.crew import Crew
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.limits import Limits, Rate
from jobrunner.core.schedule_errors import InvalidScheduleError, ScheduleNotFoundError


def add(**fields):
    return NewTask(**({"function": "add", "args": [1, 2]} | fields))


def test_queues_are_paused_and_limited(either, queue):
    queue.enqueue_many([add(), add(queue="a/b .. é?#%2F")])
    for name in ("default", "a/b .. é?#%2F", ".", "..", "new"):
        assert either.queues.pause(name)
        assert not either.queues.pause(name)
    assert either.queues.resume("default")
    assert not either.queues.resume("default")
    limits = either.queues.limit("default", concurrency=3, rate=(10, 0.5))
    assert limits == Limits(3, Rate(10, timedelta(seconds=0.5)))
    assert either.queues.limit("default", rate=None) == Limits(3)
    assert either.queues.list() == queue.queues.list()
    for call in (either.queues.pause, either.queues.resume, either.queues.limit):
        with pytest.raises(InvalidTaskError):
            call("")
    with pytest.raises(InvalidTaskError):
        either.queues.limit("default", concurrency=0)


def test_keys_are_limited(either, queue):
    queue.enqueue(add(concurrency_key="tenant:7"))
    assert either.keys.limit("tenant", concurrency=2) == Limits(2)
    assert either.keys.list() == queue.keys.list()
    with pytest.raises(InvalidTaskError):
        either.keys.limit("", concurrency=2)


def test_crews_are_paused_and_resized(either, queue):
    told = either.crews.pause("night", crew=True)
    assert told.crews == queue.crews.list() == either.crews.list()
    assert told.workers == []
    told = either.crews.resize("night", 3, crew=True)
    assert [crew.concurrency for crew in told.crews] == [3]
    assert either.crews.resize("night", crew=True).crews[0].concurrency is None
    assert either.crews.resume("night", crew=True).crews == [Crew(name="night")]
    assert either.crews.stop("night", crew=True).workers == []
    with pytest.raises(WorkerNotFoundError) as raised:
        either.crews.pause("nobody")
    assert raised.value.name == "nobody"
    with pytest.raises(ConfigurationError):
        either.crews.resize("night", 0, crew=True)


def test_schedules_are_kept(either, queue):
    def same(one):
        return replace(one, id=0, last_task_id=None)

    nightly = either.schedules.add("night/ly", "0 2 * * *", add(), tz="Europe/Paris", missed="all")
    often = either.schedules.add("often", timedelta(seconds=90), add(), overlap="queue")
    assert [same(one) for one in (nightly, often)] == list(map(same, queue.schedules.list()))
    assert [same(one) for one in either.schedules.list()] == list(map(same, queue.schedules.list()))
    assert same(either.schedules.get("often")) == same(queue.schedules.get("often"))
    assert either.schedules.pause("often").paused_at is not None
    assert either.schedules.resume("often").paused_at is None
    task = either.schedules.run("night/ly")
    assert task == queue.get(task.id)
    assert either.schedules.ticks("often") == queue.schedules.ticks("often") == []
    either.schedules.remove("often")
    for call in (either.schedules.get, either.schedules.run, either.schedules.remove):
        with pytest.raises(ScheduleNotFoundError) as raised:
            call("often")
        assert raised.value.name == "often"
    for rule in ("61 * * * *", "nonsense"):
        with pytest.raises(InvalidScheduleError):
            either.schedules.add("wrong", rule, add())


def test_batches_are_looked_at(either, queue):
    batches = [queue.batches.enqueue([add()], on_end=add(), description=f"{n}") for n in range(3)]
    assert either.batches.get(batches[0].id) == batches[0]
    assert either.batches.find() == queue.batches.find() == batches[::-1]
    assert either.batches.find(limit=1, before=batches[2].id) == [batches[1]]
    assert either.batches.callbacks(batches[0]) == queue.batches.callbacks(batches[0])
    for batch_id in (99, 2**60):
        with pytest.raises(BatchNotFoundError):
            either.batches.get(batch_id)


def test_many_tasks_are_cancelled_and_deleted(either, queue):
    ids = queue.enqueue_ids([add(), add(), NewTask(function="other")])
    assert either.bulk.count("cancel", function="add") == 2
    told = []
    done = either.bulk.cancel(told.append, function="add")
    assert (done.done, done.refused_count, told) == (2, 0, [2])
    done = either.bulk.delete(ids=[ids[0], ids[0], 99])
    assert (done.done, done.refused_count) == (1, 1)
    assert done.refused == [Refused(99, queue.bulk.delete(ids=[99]).refused[0].why)]
    assert either.bulk.retry(every=True, status=Status.CANCELLED).done == 1
    assert either.bulk.cancel(newer_than=datetime(2020, 1, 1, tzinfo=UTC)).done == 2
    for wrong in ({}, {"status": Status.COMPLETED}, {"ids": [1], "every": True}):
        with pytest.raises(ConfigurationError):
            either.bulk.cancel(**wrong)


def test_an_event_is_sent(either, queue):
    task = queue.enqueue(add())
    assert either.events.send("approved", {"by": "Ada"}) == 0
    assert either.events.send("approved", task=task) == 0
    assert [event.task_id for event in queue.events.list()] == [task.id, None]
    queue.cancel(task.id)
    with pytest.raises(TaskStateError):
        either.events.send("approved", task=task.id)
    with pytest.raises(TaskNotFoundError):
        either.events.send("approved", task=99)
    for wrong in (("",), ("approved", {1})):
        with pytest.raises(InvalidTaskError):
            either.events.send(*wrong)
