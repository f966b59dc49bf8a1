"""At 100,000 rows, too, no query that runs all the time reads a table from end to end."""

from datetime import timedelta

import pytest

from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed
from jobrunner.core.report import By
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId, WorkerId
from jobrunner.storage import (
    account,
    ageing,
    agenda,
    claim,
    control,
    crews,
    deleting,
    doubt,
    enqueue,
    expiry,
    keys,
    left,
    progress,
    prune,
    rates,
    reads,
    settle,
    sweep,
    telling,
    workers,
    worst,
)
from jobrunner.storage import queues as queues_
from jobrunner.storage.dependents import settle_dependents
from jobrunner.storage.types import micros
from tests.storage.at_size import (
    FILL,
    HISTORY,
    LAST,
    MOST,
    NUMBERS,
    PENDING,
    ROWS,
    SCHEDULED,
    UNCOUNTED,
    WHOLE,
)
from tests.storage.conftest import Nowhere, backoff
from tests.storage.limiting import Limiting
from tests.storage.pages import of_pages
from tests.storage.plans import plans


@pytest.fixture
def large(store):
    for statement in FILL:
        store.sql(f"{NUMBERS} {statement}", now=micros(store.now), **LAST)
    if store.database.path is None:
        store.sql("SELECT setval(pg_get_serial_sequence('tasks', 'id'), :last)", last=ROWS)
    store.leases = store.claim(limit=5)
    return store


def questions(store):
    """Every query of every module: its name, the call, and what it is called with."""
    yield from of_claims(store)
    yield from of_limits(store)
    yield from of_settlements(store)
    yield from of_sweeps(store)
    yield from of_workers(store)
    yield from of_people(store)
    yield from of_pages(store)


def of_claims(store):
    claiming = {"worker_id": WorkerId("ada"), "token": 999, "limit": 3, "now": store.now}
    shapes = (
        {},
        {"queues": ("a",)},
        {"queues": ("a", "b")},
        {"priority": 3},
        {"never_crashed": True},
        {"priority": 3, "queues": ("b",)},
        {"queues": ("a", "b", "c"), "never_crashed": True},
    )
    for shape in shapes:
        yield f"claim {shape}", claim.claim, (), claiming | shape
    for queues in ((), ("a",), ("a", "b")):
        yield f"starving {queues}", ageing.starving_priority, (), {"queues": queues}
        yield f"nothing left {queues}", reads.nothing_left, (queues,), {}
    yield "nothing left of a queue", reads.nothing_left, (("none",),), {}


def of_limits(store):
    limits = Limiting(store)
    for queues in ((), ("a",), ("a", "b")):
        wanted = {"free": 2, "ahead": 3, "aged": 1, "queues": queues, "worker_id": "ada"}
        yield f"claim within limits {queues}", limits.claiming, (), wanted
        yield f"left {queues}", left.nothing_left, (queues, {}), {}
    yield "forget starts", rates.forget, (), {"now": store.now - timedelta(days=1)}
    yield "look at the agenda", agenda.look, (), {}
    yield "pause", queues_.pause, ("a",), {"now": store.now}
    yield "limit", queues_.limit, ("a", {"concurrency": 3}), {}
    yield "limit of a key", keys.limit, ("a:b", {"concurrency": 3}), {}
    yield "queues", queues_.every, (), {}
    yield "keys", keys.every, (), {}


def of_settlements(store):
    lease, other = store.leases[:2]
    over = [
        store.ended(lease, Failed("x", retryable=False)),
        store.ended(other, Completed("1")),
    ]
    settling = {"worker_id": WorkerId("ada"), "backoff": backoff, "now": store.now}
    ends = {TaskId(HISTORY + 1): Status.FAILED, TaskId(HISTORY + 2): Status.COMPLETED}
    some = [TaskId(n) for n in (1, HISTORY + 10, PENDING + 10, SCHEDULED + 10)]
    new = [NewTask(function="work", after=some, after_any=[HISTORY + 20])]
    held = (lease.task_id, lease.token)
    yield "settle", settle.settle, (over,), settling
    yield "a COMMIT in doubt: ends", doubt.already_settled, (over,), {}
    yield "a COMMIT in doubt: claims", claim.claimed_with, (WorkerId("ada"), lease.token), {}
    yield "dependents", settle_dependents, (ends,), {"now": store.now}
    yield "enqueue", enqueue.enqueue, (new,), {"now": store.now}
    yield "progress", progress.save, held, {"done": 1, "now": store.now}
    yield "checkpoint", progress.checkpoint, (TaskId(1),), {}


def of_sweeps(store):
    now = {"now": store.now}
    lease = store.leases[0]
    seen = sweep.Claimed(lease.task_id, lease.token, WorkerId("ada"), timedelta(seconds=1))
    lost = {"reason": "lost", "backoff": backoff, **now}
    yield "promote", sweep.promote, (), {"now": store.now + timedelta(seconds=1)}
    yield "rescue", sweep.rescue, (WorkerId("ada"),), lost
    yield "take overdue", sweep.take_overdue, (seen,), {"backoff": backoff, **now}
    yield "prune", prune.prune, (), {"now": store.now + timedelta(days=1000), "limit": 10}
    yield "with timeout", sweep.with_timeout, (), {}
    yield "orphans", sweep.orphaned_by, (), {}


def of_workers(store):
    now, ada = {"now": store.now}, WorkerId("ada")
    yield "alive", workers.alive, (), {}
    yield "beat", workers.beat, (ada,), now
    yield "stopping", workers.set_stopping, (ada,), now
    yield "stopped", workers.set_stopped, (ada,), now
    yield "declare lost", workers.declare_lost, (ada,), {"seen_beat": 0, "reason": "", **now}
    yield "some workers", workers.every, ([ada],), {}
    yield "workers there have been", workers.every, (), {}
    yield "orders", crews.orders, (ada,), {}
    yield "expire", expiry.expire, (settle.Settlement([], [], []),), now
    yield "held", crews.held, ([ada],), {}
    yield "running", crews.running, (), {}


def of_people(store):
    nobody = {"source": Nowhere()}
    some = [TaskId(n) for n in (1, 2, HISTORY + 10, PENDING + 10, SCHEDULED + 10)]
    old = {"now": store.now + timedelta(days=1000)}
    yield "what is old", prune.count, (), old
    yield "delete", deleting.delete, (some[:1],), {"now": store.now}
    yield "tell", telling.tell, (some,), {"now": store.now}
    yield "cancel", control.cancel, (TaskId(HISTORY + 1),), {"now": store.now}
    yield "retry", control.retry, (TaskId(50),), {"now": store.now}
    yield "change", control.change, (TaskId(HISTORY + 9), {"priority": 1}), {}
    yield "get", reads.get, (1,), nobody
    yield "get many", reads.get_many, (some,), nobody
    yield "history", reads.history, (1,), {}
    yield "still open", reads.still_open, (some,), {}
    yield "oldest pending", reads.oldest_pending, (), {}
    yield "running tasks", reads.find, (), {"status": Status.IN_PROGRESS, **nobody}
    yield "newest tasks", reads.find, (), nobody
    yield "tasks before", reads.find, (), {"before": 500, **nobody}
    yield "newest tasks of a function", reads.find, (), {"function": "work", **nobody}
    yield "newest tasks of a queue", reads.find, (), {"queue": "a", **nobody}
    yield "report", report, (), {}
    yield "report of late", report, (), {"since": store.now}


def report(transaction, since=None):
    for by in By:
        sums = account.sums(transaction, by, since=since)
        for part in (sums.runs, sums.waits, sums.lost):
            list(part)
    list(account.by_worker(transaction, since=since))
    account.extent(transaction, since=since)
    worst.slowest(transaction, limit=10, since=since)
    worst.failed_runs(transaction, limit=10, since=since)


def test_no_hot_query_reads_a_whole_table(large):
    wrong, seen = [], set()
    for analysed in (False, True):
        if analysed:
            large.sql("ANALYZE")
            large.database.close()  # new connections read what it found
        for name, call, args, options in questions(large):
            seen.add(name)
            for statement, steps in plans(large, call, *args, keep=False, **options):
                allowed = WHOLE.get(name.partition(" (")[0], set())
                if large.database.path is None:
                    some_time = MOST if analysed else UNCOUNTED
                    allowed = allowed | some_time.get(name, set())
                whole = [step for step in steps if step.is_whole and step.table not in allowed]
                if whole:
                    wrong.append(f"{name}, analysed: {analysed}: {whole}\n{statement}\n{steps}")
    assert not wrong, "\n\n".join(wrong)
    assert WHOLE.keys() <= {name.partition(" (")[0] for name in seen}
