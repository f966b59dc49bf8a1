"""A request that comes again, with its key: its tasks are stored once."""

import threading
from datetime import timedelta

import pytest

from jobrunner import NewTask
from jobrunner.core.errors import ConfigurationError, PayloadError, TaskNotFoundError
from jobrunner.core.role import Role
from jobrunner.core.web_errors import IdempotencyError
from jobrunner.storage import access
from jobrunner.web.acts import Acts
from jobrunner.web.identity import Identity
from jobrunner.web.options import ServeOptions


def acts_of(queue, name="ada"):
    return Acts(queue, Identity(name, Role.SUBMIT), ServeOptions())


def task(**fields):
    return NewTask(**({"function": "work"} | fields))


def ids(tasks):
    return [one.id for one in tasks]


def number(queue):
    return len(queue.find(limit=100))


def test_the_same_again_stores_nothing(queue):
    acts = acts_of(queue)
    parent = task()
    first = acts.enqueue([task(after=[parent], delay=timedelta(seconds=5)), parent], "k")
    assert not acts.was_known
    parent = task()
    again = acts.enqueue([task(after=[parent], delay=timedelta(seconds=5)), parent], "k")
    assert acts.was_known
    assert ids(again) == ids(first)
    assert number(queue) == 2
    assert len(queue.audit.list()) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"priority": 1},
        {"kwargs": {"a": 1}},
        {"args": [1]},
        {"delay": timedelta(seconds=1)},
        {"unique": "u"},
        {"queue": "images"},
    ],
)
def test_another_request_with_the_key_is_refused(queue, other):
    acts = acts_of(queue)
    acts.enqueue([task()], "k")
    for new in ([task(**other)], [task(), task()]):
        with pytest.raises(IdempotencyError):
            acts.enqueue(new, "k")
    assert number(queue) == 1


def test_true_is_not_one(queue):
    acts = acts_of(queue)
    acts.enqueue([task(args=[True])], "k")
    with pytest.raises(IdempotencyError):
        acts.enqueue([task(args=[1])], "k")


def test_each_has_keys_of_their_own(queue):
    first = acts_of(queue).enqueue([task()], "k")
    assert ids(acts_of(queue, "ben").enqueue([task()], "k")) != ids(first)
    assert ids(acts_of(queue).enqueue([task()], "l")) != ids(first)
    assert ids(acts_of(queue).enqueue([task()])) != ids(first)


def test_a_request_that_failed_has_not_used_its_key(queue):
    acts = acts_of(queue)
    with pytest.raises(PayloadError):
        acts.enqueue([task(args=[float("nan")])], "k")
    acts.enqueue([task()], "k")
    assert number(queue) == 1


def test_of_two_racing_requests_with_one_key_one_enqueues(queue):
    ready = threading.Barrier(4)
    found, errors = [], []

    def ask():
        acts = acts_of(queue)
        ready.wait()
        try:
            for key in "abcde":
                stored = acts.enqueue([task(kwargs={"key": key})], key)
                found.append((key, *ids(stored)))
        except Exception as error:  # noqa: BLE001 — told below
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert number(queue) == len({*found}) == 5
    assert len(found) == 20


def test_a_key_is_forgotten_after_a_day(queue):
    acts = acts_of(queue)
    for key in map(str, range(access.OLD_AT_ONCE + 2)):
        acts.enqueue([task()], key)
    day = access.KEYS_KEPT_FOR // timedelta(microseconds=1)

    def age(by):
        with queue.transaction() as connection:
            connection.exec_driver_sql(f"UPDATE idempotency_keys SET stored_at = stored_at - {by}")  # noqa: S608

    def kept():
        with queue.transaction() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM idempotency_keys").scalar()

    age(day // 2)
    acts.enqueue([task()], "0")
    assert acts.was_known
    age(day // 2)
    acts.enqueue([task()], "new")
    assert kept() == 3  # a few at a time
    acts.enqueue([task()], "newer")
    assert kept() == 2
    acts.enqueue([task()], "0")
    assert not acts.was_known


def test_tasks_that_were_deleted_since_are_not_stored_again(queue):
    acts = acts_of(queue)
    (first,) = acts.enqueue([task()], "k")
    queue.cancel(first.id)
    queue.bulk.delete(ids=[first.id])
    with pytest.raises(TaskNotFoundError):
        acts.enqueue([task()], "k")


@pytest.mark.parametrize("key", ["", " ", "a\nb", "x" * 201, "\0", "\ud800"])
def test_what_is_no_key_is_refused(queue, key):
    with pytest.raises(ConfigurationError):
        acts_of(queue).enqueue([task()], key)


def test_what_nobody_can_store_is_no_fault_of_the_server(queue):
    deep = []
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(PayloadError):
        acts_of(queue).enqueue([task(args=deep)], "k")
