"""Hot queries walk an index: their cost grows with neither backlog nor history.

A server is asked for what it would do, for any values, if there were more rows.
"""

from datetime import timedelta

import pytest

from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId, WorkerId
from jobrunner.storage import (
    ageing,
    agenda,
    claim,
    crews,
    progress,
    prune,
    reads,
    sweep,
    workers,
)
from jobrunner.storage.dependents import settle_dependents
from jobrunner.storage.settle import settle
from tests.storage.plans import RULES, SORT, plans


@pytest.fixture
def plan(store):
    """The steps of all that one call executes."""
    finished = store.enqueue(*[NewTask(function="work") for _ in range(200)])
    ended = [store.ended(lease, Completed()) for lease in store.claim(limit=200)]
    store.settle_all(ended)
    names = ["a", "b", "c"]
    pending = [NewTask(function="work", queue=names[n % 3], priority=n % 7) for n in range(200)]
    store.enqueue(*pending, *[NewTask(function="w", delay=timedelta(days=1)) for _ in range(50)])
    store.enqueue(*[NewTask(function="w", after=[finished[0] + 200 + n]) for n in range(50)])
    store.claim(limit=5)

    def explain(call, *args, **options):
        planned = plans(store, call, *args, could=True, **options)
        return [step for one in planned for step in one.steps]

    return explain


def sorts(steps):
    return [step for step in steps if step.table == SORT]


def whole(steps):
    return [step for step in steps if step.is_whole and step.table not in RULES]


def indexes(steps):
    """By which indexes the tasks are read."""
    return [step.index for step in steps if step.table == "tasks"]


def claiming(**options):
    return {"worker_id": WorkerId("ada"), "token": 999, "limit": 3} | options


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"queues": ("a",)},
        {"never_crashed": True},
        {"priority": 3},
        {"priority": 3, "queues": ("b",)},
        {"queues": ("a",), "never_crashed": True},
    ],
    ids=str,
)
def test_a_claim_reads_the_pending_tasks_in_their_order(store, plan, options):
    steps = plan(claim.claim, now=store.now, **claiming(**options))
    index = "ix_tasks_pending_queue" if "queues" in options else "ix_tasks_pending"
    assert index in indexes(steps)
    assert whole(steps) == []
    assert sorts(steps) == []


def test_a_claim_from_several_queues_sorts_no_more_than_its_offers(store, plan):
    steps = plan(claim.claim, now=store.now, **claiming(queues=("a", "b")))
    assert indexes(steps).count("ix_tasks_pending_queue") == 2
    assert all("queue" in step.by for step in steps if step.index == "ix_tasks_pending_queue")
    assert whole(steps) == []
    assert len(sorts(steps)) <= 1  # of at most `limit` rows a queue


@pytest.mark.parametrize("queues", [(), ("a",), ("a", "b")])
def test_the_search_for_a_starving_task_hops_over_the_index(plan, queues):
    steps = plan(ageing.starving_priority, queues=queues)
    assert set(indexes(steps)) == {"ix_tasks_pending_queue" if queues else "ix_tasks_pending"}
    assert whole(steps) == []
    assert sorts(steps) == []


def test_promotion_reads_what_is_due(store, plan):
    steps = plan(sweep.promote, now=store.now)
    assert any(step.index == "ix_tasks_scheduled" and "run_at" in step.by for step in steps)
    assert (whole(steps), sorts(steps)) == ([], [])


def test_the_next_due_moment_is_the_head_of_an_index(plan):
    (step,) = [step for step in plan(agenda.look) if step.index == "ix_tasks_scheduled"]
    assert step.table == "tasks"


@pytest.mark.parametrize("queues", [(), ("a",), ("a", "b")])
def test_whether_anything_is_left_is_a_look_at_partial_indexes(plan, queues):
    steps = plan(reads.nothing_left, queues)
    assert whole(steps) == []


def test_a_rescue_reads_the_lost_workers_tasks(store, plan):
    steps = plan(
        sweep.rescue,
        WorkerId("ada"),
        reason="killed",
        now=store.now,
        backoff=lambda failures: timedelta(seconds=failures),
    )
    assert any(step.index == "ix_tasks_in_progress" for step in steps)
    assert whole(steps) == []


def test_a_settlement_reads_no_table_from_end_to_end(store, plan):
    (lease,) = store.claim(limit=1)
    broken = store.ended(lease, Failed("x", retryable=False))
    steps = plan(
        settle, [broken], worker_id=WorkerId("ada"), now=store.now, backoff=lambda _: timedelta()
    )
    assert whole(steps) == []
    steps = plan(settle_dependents, {1: Status.FAILED, 2: Status.COMPLETED}, now=store.now)
    assert whole(steps) == []


def test_pruning_reads_what_is_old(store, plan):
    steps = plan(prune.prune, now=store.now + timedelta(days=1000), limit=10)
    assert any(step.index == "ix_tasks_finished" and "finished_at" in step.by for step in steps)
    assert (whole(steps), sorts(steps)) == ([], [])


def test_the_looks_of_maintenance_and_keepalive_read_what_runs(store, plan):
    for call, args in [
        (sweep.with_timeout, ()),
        (sweep.orphaned_by, ()),
        (crews.orders, (WorkerId("ada"),)),
    ]:
        steps = plan(call, *args)
        assert "ix_tasks_in_progress" in indexes(steps), call
        assert whole(steps) == []


def test_progress_is_saved_by_key(store, plan):
    (lease,) = store.claim(limit=1)
    steps = plan(progress.save, TaskId(lease.task_id), lease.token, now=store.now, done=1)
    assert whole(steps) == []


def test_pruning_workers_reads_the_oldest_attempt_and_no_finished_task(store, plan):
    steps = plan(workers.prune, now=store.now + timedelta(days=2))
    assert set(indexes(steps)) == {"ix_tasks_in_progress"}
