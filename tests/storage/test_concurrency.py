"""Two sessions of a server: what one has not committed yet, the other must not decide on."""

import contextlib
import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from jobrunner import DatabaseError
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed
from jobrunner.storage import control, crews, progress, prune, sweep, workers
from jobrunner.storage.enqueue import enqueue
from tests.databases import on_a_server

pytestmark = on_a_server

BROKEN = Failed("broken")
WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@pytest.fixture
def while_open(store):
    """Do something in an open transaction while a call of another session waits for it."""

    @contextlib.contextmanager
    def opened(call):
        found = []
        other = threading.Thread(target=lambda: found.append(call()))
        with store.database.writing() as transaction:
            yield transaction, found
            other.start()
            with store.database.outside() as looking:
                looking.execution_options(isolation_level="AUTOCOMMIT")
                while not looking.scalar(WAITING):
                    assert other.is_alive(), "it did not wait"
        other.join()

    return opened


def new(**fields):
    return NewTask(function="work", **fields)


def test_what_is_enqueued_below_a_task_that_is_being_cancelled_is_cancelled_too(store, while_open):
    parent = store.add(max_attempts=1)
    child = store.add(after=[parent])
    lease = store.claim_one()
    with while_open(lambda: store.settle(lease, BROKEN)) as (transaction, _):
        grandchild = enqueue(transaction, [new(after=[child])], now=store.now)[0]["id"]
    assert store.statuses(parent, child, grandchild) == ["failed", "cancelled", "cancelled"]


def test_a_dependent_is_released_whatever_isolation_a_database_has(store, while_open, connection):
    level = "default_transaction_isolation = 'repeatable read'"
    connection.execute(f"ALTER DATABASE {connection.info.dbname} SET {level}")
    store.database.close()
    parent = store.add()
    lease = store.claim_one()
    with while_open(lambda: store.settle(lease, Completed())) as (transaction, _):
        child = enqueue(transaction, [new(after=[parent])], now=store.now)[0]["id"]
    assert store.statuses(parent, child) == ["completed", "pending"]


def test_a_task_that_is_being_retried_is_not_pruned(store, while_open):
    task = store.add(max_attempts=1)
    store.settle(store.claim_one(), BROKEN)
    later = store.now + timedelta(days=365)
    with ThreadPoolExecutor(1) as other, store.database.writing() as transaction:
        control.retry(transaction, task, now=store.now)
        assert other.submit(store.write, prune.prune, now=later).result() == 0
    assert store.statuses(task) == ["pending"]


def test_a_transaction_with_a_failed_statement_stores_nothing_and_says_so(store):
    def swallow(transaction):
        enqueue(transaction, [new()], now=store.now)
        with contextlib.suppress(Exception):
            transaction.execute(text("SELECT no_such_column FROM tasks"))

    with pytest.raises(DatabaseError, match="nothing of it was stored"):
        store.write(swallow)
    assert store.sql("SELECT count(*) FROM tasks") == [(0,)]


def test_a_checkpoint_that_waited_until_its_lease_was_gone_is_refused(store, while_open):
    task = store.add()
    lease = store.claim_one()

    def late():
        return store.write(progress.save, task, lease.token, now=store.now, checkpoint='"stale"')

    with while_open(late) as (transaction, saved):
        sweep.rescue(
            transaction, "ada", reason="killed", now=store.now, backoff=lambda _: timedelta(0)
        )
    assert saved == [False]
    assert store.read(progress.checkpoint, task) is None


def registered(transaction, store, name):
    """A worker that registers as `Membership` does."""
    crew = crews.settings(transaction, "night")
    info = {one.id: one for one in workers.every(transaction)}["ada"]
    mine = replace(info, id=name, crew="night", paused_at=crew.paused_at)
    workers.register(transaction, mine)


def pause(store):
    return store.write(crews.tell, crews.pause, "night", crew=True, now=store.now)


def test_a_worker_that_registers_meanwhile_is_paused(store, while_open):
    with while_open(lambda: pause(store)) as (transaction, found):
        registered(transaction, store, "bob")
    assert [worker.id for worker in found[0].workers] == ["bob"]
    assert found[0].workers[0].paused_at == store.now


def test_a_worker_that_registers_during_a_pause_finds_it(store, while_open):
    register = functools.partial(store.write, registered, store, "bob")
    with while_open(register) as (transaction, _):
        crews.tell(transaction, crews.pause, "night", crew=True, now=store.now)
    (bob,) = store.read(workers.every, ["bob"])
    assert bob.paused_at == store.now


def test_two_first_words_to_a_crew_follow_each_other(store, while_open):
    with while_open(lambda: pause(store)) as (transaction, _):
        crews.tell(transaction, crews.resize, "night", crew=True, concurrency=3)
    (crew,) = store.read(crews.every)
    assert (crew.concurrency, crew.paused_at) == (3, store.now)


def test_a_claim_that_waited_for_a_pause_takes_nothing(store, while_open):
    store.add()
    with while_open(store.claim) as (transaction, found):
        crews.tell(transaction, crews.pause, "ada", now=store.now)
    assert found == [[]]
