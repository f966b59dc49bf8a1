"""Many at one key in the same moment: exactly one is stored, and no last word is lost."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from jobrunner import DuplicateTaskError, NewTask, TaskQueue, TaskStateError, Unique
from jobrunner.core.outcome import Completed, Failed
from jobrunner.core.unique import WAITING
from jobrunner.storage.enqueue import enqueue
from tests.databases import on_a_server

AT_ONCE = 8
ROUNDS = 6

WAITING_NOW = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)

ENQUEUER = """
import sys, threading
from jobrunner import DuplicateTaskError, NewTask, TaskQueue, Unique

queue, policy = TaskQueue(sys.argv[1]), sys.argv[2]
queue.counts()
print("ready", flush=True)
for line in sys.stdin:
    key = line.strip()
    new = [NewTask(function="work", unique=Unique(key=key, on_conflict=policy))]
    new += [NewTask(function="work", unique=Unique(key="other " + key, on_conflict=policy))]
    new = new if int(sys.argv[3]) % 2 else new[::-1]
    try:
        tasks = queue.enqueue_many(new)
        print(*sorted(f"{task.id}{'=' * task.is_duplicate}" for task in tasks), flush=True)
    except DuplicateTaskError:
        print("refused", flush=True)
queue.close()
"""


def test_threads_of_one_process_store_one(store):
    queue = TaskQueue(store.database.location)
    queue.counts()
    together = threading.Barrier(AT_ONCE)

    def race(key):
        together.wait()
        return queue.enqueue(NewTask(function="work", unique=Unique(key=key, on_conflict="ignore")))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(ROUNDS):
            tasks = list(pool.map(race, [str(number)] * AT_ONCE))
            assert len({task.id for task in tasks}) == 1
            assert sum(task.is_duplicate for task in tasks) == AT_ONCE - 1
    queue.close()


def test_a_retry_and_new_ones_race_for_the_key(store):
    queue = TaskQueue(store.database.location)
    together = threading.Barrier(AT_ONCE)

    def race(task_id):
        together.wait()
        try:
            if task_id is None:
                return queue.enqueue(NewTask(function="work", unique="k")).id
            queue.retry(task_id)
        except (DuplicateTaskError, TaskStateError) as error:
            return type(error).__name__
        return task_id

    for _ in range(ROUNDS):
        (failed,) = store.enqueue(NewTask(function="work", unique="k", max_attempts=1))
        store.settle(store.claim_one(), Failed("broken"))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            said = list(pool.map(race, [failed, None] * (AT_ONCE // 2)))
        won = [one for one in said if isinstance(one, int)]
        live = store.sql("SELECT id FROM tasks WHERE status = 'pending'")
        assert [row.id for row in live] == won
        store.settle(store.claim_one(), Completed("1"))
    queue.close()


def test_the_last_word_is_not_lost_to_a_claim(store):
    """Either the one that waits had not been claimed yet, or the next waits behind it."""
    calls, over = 60, threading.Event()
    heard = []

    def work_off():
        while not over.is_set():
            for lease in store.claim():
                heard.append(int(lease.args.strip("[]")))
                store.settle(lease, Completed("1"))

    rule = Unique(key="k", in_=WAITING, on_conflict="replace")
    other = threading.Thread(target=work_off)
    other.start()
    for number in range(calls):
        store.enqueue(NewTask(function="work", args=[number], unique=rule))
        assert len(store.sql("SELECT 1 FROM tasks WHERE status = 'pending'")) <= 1
    while store.sql("SELECT 1 FROM tasks WHERE status = 'pending'"):
        assert other.is_alive()
    over.set()
    other.join()
    assert heard == sorted(set(heard))
    assert heard[-1] == calls - 1


def end(*, well):
    if not well:
        raise KeyboardInterrupt


@on_a_server
@pytest.mark.parametrize("keep", [True, False])
def test_a_key_that_is_not_committed_yet_is_waited_for(store, connection, keep):
    """Whether it is rolled back decides what becomes of the other."""
    new = NewTask(function="work", unique=Unique(key="k", on_conflict="ignore"))
    rolled_back = contextlib.nullcontext() if keep else pytest.raises(KeyboardInterrupt)
    with ThreadPoolExecutor(1) as pool:
        with rolled_back, store.database.writing() as transaction:
            first = enqueue(transaction, [new], now=store.now)[0]["id"]
            later = pool.submit(store.enqueue, new)
            while connection.execute(WAITING_NOW).fetchone() == (0,):
                assert not later.done(), "it did not wait"
            end(well=keep)
        (second,) = later.result(timeout=30)
    assert (second == first) is keep


def test_what_is_long_ago_is_taken_by_one(store):
    queue = TaskQueue(store.database.location)
    rule = Unique(key="k", within=timedelta(microseconds=1), on_conflict="ignore")
    old = queue.enqueue(NewTask(function="work", unique=rule))
    new = Unique(key="k", on_conflict="ignore")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tasks = list(
            pool.map(queue.enqueue, [NewTask(function="work", unique=new) for _ in range(AT_ONCE)])
        )
    (winner,) = {task.id for task in tasks}
    assert winner != old.id
    queue.close()


@pytest.mark.parametrize("policy", ["error", "ignore", "replace"])
def test_of_racing_enqueuers_one_stores_its_task(store, start_program, policy):
    place = store.database.location
    racers = [start_program(ENQUEUER, place, policy, str(number)) for number in range(AT_ONCE)]
    assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * AT_ONCE
    for number in range(ROUNDS):
        for racer in racers:
            racer.stdin.write(f"{number}\n")
            racer.stdin.flush()
        said = [tuple(racer.stdout.readline().split()) for racer in racers]
        stored = store.sql("SELECT id FROM tasks ORDER BY id DESC")
        assert len(stored) == 2 * number + 2
        ids = sorted(str(row.id) for row in stored[:2])
        others = ("refused",) if policy == "error" else tuple(f"{task_id}=" for task_id in ids)
        assert sorted(said) == sorted([tuple(ids), *[others] * (AT_ONCE - 1)])
    for racer in racers:
        racer.communicate(timeout=60)
        assert racer.returncode == 0
