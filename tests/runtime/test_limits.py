"""Limits as programs set them, and as workers keep them."""

from datetime import timedelta

import pytest

from jobrunner.core.control_errors import DrainTimeoutError
from jobrunner.core.errors import ConfigurationError, InvalidTaskError
from jobrunner.core.limits import Limits, Rate
from jobrunner.core.outcome import Completed, Ended
from jobrunner.core.status import Status
from jobrunner.runtime.settler import Settler, Want
from jobrunner.storage import notices
from tests.runtime import functions as f
from tests.runtime.support import register_ada, until


def test_limits_are_set_in_python(queue):
    minute = Rate(10, timedelta(minutes=1))
    assert queue.queues.limit("a", concurrency=2, rate=(10, 60)) == Limits(2, minute)
    assert queue.queues.limit("a", concurrency=None) == Limits(None, minute)
    assert queue.keys.limit("k", rate=(10, timedelta(minutes=1))) == Limits(1, minute)
    assert [one.name for one in queue.queues.list()] == ["a"]
    assert [one.name for one in queue.keys.list()] == ["k"]


@pytest.mark.parametrize(
    "rate",
    [5, (5,), (0, 1), (1.5, 1), (1, 0), (1, "1s"), (1, float("nan")), (1, float("inf")), "5/1s"],
)
def test_a_rate_that_has_no_meaning_is_refused(queue, rate):
    with pytest.raises(InvalidTaskError):
        queue.queues.limit("a", rate=rate)


@pytest.mark.parametrize("offers", [{"gpu": 0}, {"gpu": "1"}, {1: 1}, {"gpu": float("nan")}])
def test_offers_that_have_no_meaning_are_refused(queue, start_worker, offers):
    with pytest.raises(ConfigurationError):
        start_worker(offers=offers)


def test_a_key_is_made_of_the_arguments(queue):
    @queue.task(concurrency_key="crawl:{host}:{port}")
    def crawl(host, port=80):
        return host, port

    tasks = [
        crawl.enqueue("a"),
        crawl.enqueue("b", port=81),
        crawl.using(concurrency_key="{{{host}}}").enqueue("c"),
        queue.enqueue(queue.new_task("crawl", kwargs={"host": "d"})),
        queue.enqueue(queue.new_task("crawl", args=["e"], concurrency_key="{host}")),
    ]
    keys = [queue.get(task.id).concurrency_key for task in tasks]
    assert keys == ["crawl:a:80", "crawl:b:81", "{c}", "crawl:d:80", "{host}"]


@pytest.mark.parametrize(
    "key", ["{user}", "{0}", "{}", "{host.x}", "{host!r}", "{host:>9}", "{host"]
)
def test_a_key_that_is_made_of_no_argument_is_refused(queue, key):
    @queue.task(concurrency_key=key)
    def crawl(host):
        return host

    with pytest.raises(InvalidTaskError, match="concurrency_key") as told:
        crawl.enqueue("a")
    assert told.value.field == "concurrency_key"


def test_arguments_that_do_not_fit_make_no_key(queue):
    @queue.task(concurrency_key="{host}")
    def crawl(host):
        return host

    with pytest.raises(InvalidTaskError, match="do not fit crawl"):
        queue.new_task("crawl", kwargs={"hots": 1})


def test_until_empty_ends_where_only_paused_work_is_left(queue, drain):
    queue.queues.pause("shut")
    shut = queue.enqueue(f.add.using(queue="shut").bind(1, 1))
    behind = queue.enqueue(f.add.using(after=[shut]).bind(1, 1))
    done = queue.enqueue(f.add.bind(1, 1))
    drain()
    statuses = [task.refresh().status for task in (shut, behind, done)]
    assert statuses == [Status.PENDING, Status.BLOCKED, Status.COMPLETED]
    queue.queues.resume("shut")
    drain()
    assert behind.refresh().status is Status.COMPLETED


def test_until_empty_waits_for_keys_and_rates(queue, drain):
    queue.queues.limit("rated", rate=(2, 0.2))
    tasks = [queue.enqueue(f.add.using(concurrency_key="k").bind(1, 1)) for _ in range(5)]
    tasks += [queue.enqueue(f.add.using(queue="rated").bind(1, 1)) for _ in range(5)]
    began = queue.clock.now()
    drain()
    assert {task.refresh().status for task in tasks} == {Status.COMPLETED}
    last = max(task.refresh().started_at for task in tasks[5:])
    assert last - began >= timedelta(seconds=0.4)  # two periods after the first


def test_free_slots_are_filled_though_the_first_in_line_share_a_limit(queue):
    queue.queues.limit("imports", concurrency=1)
    for name, key in (("imports", "a"), ("imports", "b"), ("mail", "c")):
        queue.enqueue(f.add.using(queue=name, concurrency_key=key).bind(1, 1))
    settler = Settler(queue.database, register_ada(queue, queue.clock).id, queue.clock)
    turns = [settler.turn((), [Want((), 2 - taken)]) for taken in range(2)]
    assert [[lease.queue for lease in turn.leases] for turn in turns] == [["imports"], ["mail"]]
    assert not turns[0].drained  # or nobody would look again before a second has passed
    assert settler.turn((), [Want((), 5)]).drained


def test_others_are_told_of_room_that_a_worker_makes_and_does_not_use(queue, monkeypatch):
    """At once: their next look by themselves may be a second later."""
    for _ in range(3):
        queue.enqueue(f.add.using(concurrency_key="k").bind(1, 1))
    told = []
    monkeypatch.setattr(notices, "work", lambda *_: told.append(1))
    settler = Settler(queue.database, register_ada(queue, queue.clock).id, queue.clock)
    (lease,) = settler.turn((), [Want((), 1)]).leases
    (lease,) = settler.turn([ended(lease)], [Want((), 1)]).leases
    assert told == []  # it has taken the next of the key itself
    settler.turn([ended(lease)], [Want(("other",), 1)])
    assert told == [1]


def ended(lease):
    return Ended(lease, Completed("1"), lease.ready_at, lease.ready_at)


def test_a_drain_waits_for_what_runs(queue, start_worker):
    start_worker()
    task = queue.enqueue(f.block.bind("go"))
    until(queue, lambda: task.refresh().status is Status.IN_PROGRESS)
    with pytest.raises(DrainTimeoutError, match="one task still runs") as told:
        queue.queues.drain("default", timeout=0.1)
    assert (told.value.queue, told.value.running) == ("default", 1)
    f.gates["go"].set()
    queue.queues.drain("default", timeout=20)
    assert task.refresh().status is Status.COMPLETED
