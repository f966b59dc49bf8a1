"""An explanation and the claim never differ, and each thing that stands in the way is told."""

from datetime import timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings

from jobrunner.core.outcome import Completed, Crashed, Failed, Snoozed
from jobrunner.storage import crews, sweep, why
from tests.databases import on_a_server
from tests.storage.conftest import Nowhere
from tests.storage.explaining import Explaining, states, tell
from tests.storage.limiting import Limiting

QUICK = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@QUICK
@given(state=states)
def test_what_is_explained_as_runnable_is_what_claims_take(database, make_store, state):
    world = Explaining(make_store(database))
    world.be(state)
    before = world.explanations()
    taken = world.taken()
    for task_id, found in before.items():
        alone = not state["queues"] and not state["tasks"][world.ids.index(task_id)]["parents"]
        plain = all(not one["needs"] and not one["key"] for one in state["tasks"])
        if alone and plain:  # what the sweep of a claim does to others does not matter to it
            assert found.is_runnable == (task_id in taken), found
    world.sweep()
    after = world.explanations()
    assert {task_id for task_id, found in after.items() if found.is_runnable} == world.taken()
    for found in (*before.values(), *after.values()):
        assert found.is_runnable != any(one.is_blocking for one in found.reasons), found
        assert found.reasons
    assert world.store.problems() == []


@pytest.fixture
def told(store):
    return partial(tell, store)


@pytest.fixture
def limits(store):
    return Limiting(store)


def kinds(found):
    return [one.kind for one in found.reasons if one.is_blocking]


def ids(reason):
    return [node.id for node in reason.tasks]


def test_a_full_queue_names_the_tasks_that_have_its_places(limits, told):
    limits.limit_queue("default", concurrency=2)
    running = [limits.add(), limits.add()]
    limits.claim(2)
    (full,) = told(limits.add()).reasons
    assert (full.kind, ids(full)) == ("limit", running)
    assert full.text == "Of its queue 'default', no more than 2 may run, and 2 run."


def test_a_full_key_names_the_task_that_has_it_in_whatever_queue(limits, told):
    limits.limit_key("site", concurrency=1)
    running = limits.add(queue="other", concurrency_key="site", needs={"gpu": 1})
    limits.claim()
    (full,) = told(limits.add(concurrency_key="site")).reasons
    assert (full.kind, ids(full)) == ("key", [running])
    assert full.text == "Of its concurrency key 'site', no more than 1 may run, and 1 runs."


def test_a_rate_names_who_has_started_and_when_the_next_may(limits, told, store):
    limits.limit_queue("default", rate=(2, 60))
    began, started = store.now, [limits.add(), limits.add()]
    limits.claim()
    store.later(10)
    limits.claim()
    waiting = limits.add()
    (full,) = told(waiting).reasons
    assert (full.kind, sorted(ids(full)), full.at) == (
        "rate",
        started,
        began + timedelta(minutes=1),
    )
    limits.limit_queue("default", rate=(1, 60))
    assert told(waiting).reasons[0].at == began + timedelta(seconds=70)
    store.now = full.at - timedelta(seconds=1)
    assert not told(waiting).is_runnable
    limits.limit_queue("default", rate=(2, 60))
    store.later(1)
    assert told(waiting).is_runnable


def test_a_clock_that_was_set_back_is_not_set_right_by_a_look(limits, told, store):
    limits.limit_queue("default", rate=(1, 60))
    limits.add()
    limits.claim()
    store.later(-3600)
    before = store.sql("SELECT * FROM rate_starts")
    assert told(limits.add()).reasons[0].at == store.now + timedelta(minutes=1)
    assert store.sql("SELECT * FROM rate_starts") == before


def test_places_that_others_come_before_it_to_are_told(limits, told):
    limits.limit_queue("default", concurrency=1)
    first, second = limits.add(), limits.add()
    assert told(first).is_runnable
    assert kinds(told(second)) == ["turn"]
    assert told(second).reasons[-1].text == "1 task is ahead of it in its queue 'default'."


def test_resources_in_use_name_the_tasks_that_have_them(limits, told, store):
    store.worker("eva", offers={"gpu": 1.0})
    running = limits.add(needs={"gpu": 1})
    limits.claim(worker="eva", offers={"gpu": 1.0})
    waiting = limits.add(needs={"gpu": 1})
    (lacking,) = told(waiting).reasons
    assert (lacking.kind, ids(lacking)) == ("needs", [running])
    assert kinds(told(limits.add(needs={"gpu": 2}))) == ["workers"]


def test_without_a_worker_that_takes_it_that_is_told(empty_store):
    def text():
        found = tell(empty_store, task)
        return found.is_runnable, found.reasons[0].text

    task = empty_store.add(queue="mail")
    assert text() == (False, "No worker runs.")
    empty_store.worker("eva", queues=("other",))
    assert text() == (False, "No worker that runs serves the queue 'mail'.")
    empty_store.worker("ida", queues=("mail", "other"))
    assert text() == (True, "It is next: a worker takes it any moment.")
    empty_store.write(crews.pause, crews.Chosen([], ["ida"]), now=empty_store.now)
    assert text() == (False, "The workers that would take it are paused.")


def test_a_busy_worker_is_told_and_blocks_nothing(store, told):
    store.add()
    store.claim_one()
    found = told(store.add())
    assert (found.is_runnable, [one.kind for one in found.reasons]) == (True, ["busy"])


def test_a_retry_tells_the_attempt_before_and_when(store, told):
    task = store.add()
    store.settle(store.claim_one(), Failed("ValueError: no"))
    (retry,) = told(task).reasons
    assert retry.kind == "retry"
    assert retry.text == (
        "Attempt 1 of 5 failed: ValueError: no. It is tried again at 2026-01-01 00:00:10 UTC."
    )
    store.later(10)
    assert told(task).is_runnable
    store.write(sweep.promote, now=store.now)
    store.settle(store.claim_one(), Snoozed(timedelta(minutes=1)))
    assert told(task).reasons[0].text == "It asked to run again at 2026-01-01 00:01:10 UTC."


def test_one_that_has_crashed_twice_is_told_to_run_alone(store, told):
    task = store.add()
    for _ in range(2):
        store.settle(store.claim_one(), Crashed("killed"))
    *_, crashes = told(task).reasons
    assert (crashes.kind, crashes.is_blocking) == ("crashes", False)
    assert "2 times, and runs alone" in crashes.text


def test_a_blocked_task_names_the_parents_that_are_open_among_many(store, told):
    parents = [store.add() for _ in range(120)]
    child = store.add(after=parents)
    store.settle_all([store.ended(lease, Completed()) for lease in store.claim(limit=110)])
    (waiting,) = told(child).reasons[:1]
    assert waiting.text == "It waits for 10 other tasks to end."
    assert ids(waiting) == parents[110:]


@on_a_server
def test_a_look_locks_no_task(limits, told, store):
    limits.limit_queue("default", concurrency=1)
    task = limits.add()
    with store.database.reading() as transaction:
        why.look(transaction, task, source=Nowhere(), now=store.now)
        assert [lease.task_id for lease in limits.claim()] == [task]
