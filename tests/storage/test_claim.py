"""Claiming: each task once, in order, by a living worker, and no priority starves."""

import contextlib
import itertools

import pytest
from sqlalchemy import text

from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Failed, Lost, Released
from jobrunner.core.task import Token, WorkerId
from jobrunner.storage import workers
from jobrunner.storage.ageing import starving_priority
from jobrunner.storage.types import micros


def claimed(leases):
    return [lease.task_id for lease in leases]


def test_a_higher_priority_runs_first_and_equal_ones_run_oldest_first(store):
    low, first, high, second = (store.add(priority=number) for number in (-1, 0, 7, 0))
    assert claimed(store.claim()) == [high, first, second, low]


def test_the_order_holds_over_several_claims(store):
    ids = [store.add(priority=number % 3) for number in range(9)]
    taken = claimed(itertools.chain(*(store.claim(limit=2) for _ in range(6))))
    assert taken == sorted(ids, key=lambda task_id: (-((task_id - ids[0]) % 3), task_id))


def test_a_task_is_claimed_once(store):
    store.worker("bob")
    ids = [store.add() for _ in range(10)]
    assert claimed(store.claim("ada", limit=6)) == ids[:6]
    assert claimed(store.claim("bob", limit=6)) == ids[6:]
    assert store.claim("ada") == []


def test_the_attempt_is_counted_at_the_claim(store):
    task_id = store.add()
    assert store.claim_one().attempt == 1
    assert store.get(task_id).attempt == 1
    assert store.get(task_id).worker_id == "ada"
    assert store.get(task_id).started_at == store.now


def test_a_lease_holds_what_running_the_task_takes(store):
    store.add(function="paint", args=[1, "é"], kwargs={"width": 2}, queue="q", priority=3)
    lease = store.claim_one()
    assert (lease.function, lease.args, lease.kwargs) == ("paint", '[1,"é"]', '{"width":2}')
    assert (lease.queue, lease.priority, lease.crashes, lease.max_attempts) == ("q", 3, 0, 5)
    assert (lease.command, lease.cwd, lease.timeout) == (None, None, None)
    assert lease.ready_at == micros(store.now)


def test_tasks_of_one_claim_share_its_token_and_the_next_claim_has_another(store):
    for _ in range(3):
        store.add()
    together = store.claim(limit=2)
    assert len({lease.token for lease in together}) == 1
    assert store.claim_one().token != together[0].token


def test_only_pending_tasks_are_claimed(store):
    parent = store.add(delay=store.now - store.now.replace(year=2025))
    store.add(after=[parent])
    cancelled = store.add()
    store.cancel(cancelled)
    assert store.claim() == []


@pytest.mark.parametrize(
    ("queues", "expected"),
    [((), "abcad"), (("a",), "aa"), (("b", "c"), "bc"), (("c", "a"), "aca"), (("none",), "")],
)
def test_queues_limit_the_choice(store, queues, expected):
    ids = {store.add(queue=name): name for name in "abcad"}
    assert "".join(ids[found] for found in claimed(store.claim(queues=queues))) == expected


def test_several_queues_share_one_order_and_one_limit(store):
    ids = [store.add(queue="ab"[number % 2], priority=number // 4) for number in range(8)]
    assert claimed(store.claim(queues=("a", "b"), limit=5)) == [*ids[4:], ids[0]]


def test_a_queue_named_twice_costs_no_part_of_the_limit(store):
    ids = [store.add(queue="a") for _ in range(4)]
    assert claimed(store.claim(queues=("a", "a"), limit=4)) == ids


def test_one_priority_can_be_chosen(store):
    ids = [store.add(priority=number % 2, queue="ab"[number // 2]) for number in range(4)]
    assert claimed(store.claim(priority=0, limit=1)) == [ids[0]]
    assert claimed(store.claim(priority=0, queues=("a", "b"))) == [ids[2]]


def test_a_task_that_crashed_can_be_left_out(store):
    crashed, fresh = store.add(), store.add()
    store.settle(store.claim_one(), Lost("killed"))
    assert claimed(store.claim(never_crashed=True)) == [fresh]
    assert claimed(store.claim(never_crashed=True, queues=("default",))) == []
    assert claimed(store.claim()) == [crashed]


def test_a_lost_worker_gets_nothing(store):
    task_id = store.add()
    store.lose("ada")
    assert store.claim("ada") == []
    assert store.statuses(task_id) == ["pending"]


@pytest.mark.parametrize("end", [workers.set_stopping, workers.set_stopped])
def test_a_worker_that_ends_gets_nothing(store, end):
    store.add()
    store.write(end, WorkerId("ada"), now=store.now)
    assert store.claim("ada") == []


def test_an_unknown_worker_gets_nothing(store):
    store.add()
    assert store.claim("nobody") == []


def test_a_task_given_back_or_retried_is_claimed_with_a_new_token(store):
    store.add()
    tokens: list[Token] = []
    for outcome in (Released(), Lost("killed"), Failed("x")):
        lease = store.claim_one()
        tokens.append(lease.token)
        store.settle(lease, outcome)
    assert len(set(tokens)) == 3


class TestStarvingPriority:
    def test_there_is_none_without_tasks(self, store):
        assert store.read(starving_priority) is None

    def test_there_is_none_while_the_plain_order_serves_the_oldest(self, store):
        store.add(priority=5)
        store.add(priority=1)
        assert store.read(starving_priority) is None

    def test_it_is_the_priority_of_the_oldest_task(self, store):
        store.add(priority=1)
        store.add(priority=-3)
        store.add(priority=5)
        assert store.read(starving_priority) == 1

    def test_claiming_it_takes_that_task(self, store):
        oldest = store.add(priority=-1)
        for number in range(5):
            store.add(priority=number)
            store.add(priority=-1)
        starving = store.read(starving_priority)
        assert claimed(store.claim(limit=1, priority=starving)) == [oldest]

    def test_a_running_task_does_not_starve(self, store):
        store.add(priority=1)
        store.claim_one()
        store.add(priority=0)
        store.add(priority=5)
        assert store.read(starving_priority) == 0

    def test_only_the_given_queues_count(self, store):
        store.add(priority=1, queue="a")
        store.add(priority=2, queue="b")
        store.add(priority=3, queue="c")
        store.add(priority=9, queue="d")
        assert store.read(starving_priority) == 1
        assert store.read(starving_priority, queues=("b", "c")) == 2
        assert store.read(starving_priority, queues=("c", "b", "a")) == 1
        assert store.read(starving_priority, queues=("d",)) is None

    def test_an_older_task_of_the_top_priority_needs_no_help(self, store):
        store.add(priority=9, queue="a")
        store.add(priority=1, queue="b")
        assert store.read(starving_priority, queues=("a", "b")) is None

    def test_the_last_priority_that_the_search_reaches_is_not_taken_for_the_top(self, store):
        store.add(priority=63)
        store.enqueue(*[NewTask(function="work", priority=number) for number in range(100)])
        assert store.read(starving_priority) == 63

    def test_the_search_ends_after_a_bounded_number_of_priorities(self, store):
        store.enqueue(*[NewTask(function="work", priority=number) for number in range(1000)])
        with store.database.reading() as transaction, effort(transaction) as steps:
            assert starving_priority(transaction) == 0
        assert len(steps) < 100


@contextlib.contextmanager
def effort(transaction):
    """A mark for every 100 instructions of SQLite, for every four looks of a server at a row."""
    steps = []
    if transaction.dialect.name == "sqlite":
        driver = transaction.connection.driver_connection
        driver.set_progress_handler(lambda: steps.append(1), 100)
        yield steps
        driver.set_progress_handler(None, 100)
    else:
        yield steps
        counts = "seq_tup_read, idx_scan, idx_tup_fetch FROM pg_stat_xact_user_tables"
        row = transaction.execute(text(f"SELECT {counts} WHERE relname = 'tasks'")).one()
        assert row.idx_scan
        steps += [1] * (sum(row) // 4)
