"""A commit tells what it has led to, outside its transaction and seldom enough."""

import psycopg
import pytest
from sqlalchemy import text

from jobrunner.core.new_task import LONGEST_QUEUE, NewTask
from jobrunner.core.outcome import Completed, Failed, Released
from jobrunner.storage import control, migrate, notices
from jobrunner.storage.engine import Database
from jobrunner.storage.notices import GAP, Notifier
from tests.databases import on_a_server
from tests.storage.conftest import Store
from tests.storage.hearing import Calls, Ear


class Driver:
    """Keeps what is sent."""

    closed = False
    autocommit = False

    def __init__(self):
        self.sent = []

    def execute(self, _statement, values):
        assert self.autocommit
        self.sent += zip(values[::2], values[1::2], strict=True)


def test_the_same_is_told_once_in_50_ms_whatever_else_is_told(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(notices.time, "monotonic", lambda: now[0])
    notifier, driver = Notifier("jobrunner"), Driver()
    told = []
    for moment, queue in [(0, "a"), (0.01, "a"), (0.02, "b"), (0.049, "a"), (0.051, "a"), (9, "a")]:
        now[0] = 100 + moment
        notifier.tell(driver, {(notices.WORK, queue)})
        told.append(len(driver.sent))
    assert told == [1, 1, 2, 2, 3, 4]
    assert {channel for channel, _ in driver.sent} == {"jobrunner_work"}
    assert not driver.autocommit
    assert GAP == 0.05


def test_of_many_queues_it_is_told_that_any_has_work_and_no_name_is_kept():
    notifier, driver = Notifier("jobrunner"), Driver()
    queues = {(notices.WORK, str(number)) for number in range(notices.TOLD_APART + 1)}
    notifier.tell(driver, queues | {(notices.ENDS, notices.ANY)})
    assert sorted(driver.sent) == [("jobrunner_ends", ""), ("jobrunner_work", "")]
    notifier._told = {(notices.WORK, str(number)): 0.0 for number in range(1000)}
    notifier.tell(driver, {(notices.WORK, "a")})
    assert set(notifier._told) == {(notices.WORK, "a")}


@on_a_server
def test_a_commit_tells_of_its_queues_once_and_of_ends(store, ear):
    store.enqueue(*[NewTask(function="work", queue=name) for name in "aab"])
    assert sorted(ear.heard()) == [("work", "a"), ("work", "b")]
    store.settle(store.claim_one(), Completed())
    assert ("ends", "") in ear.heard()


@on_a_server
def test_what_is_not_due_or_blocked_is_no_news(store, ear):
    parent = store.add(queue="a")
    ear.heard()
    store.add(queue="b", after=[parent])
    assert ear.heard() == []


def fail(store):
    store.settle(store.claim_one(), Failed("no"))


def release(store):
    store.settle(store.claim_one(), Released())


def rescue(store):
    store.claim_one()
    store.lose()
    store.rescue()


def complete(store):
    store.settle(store.claim_one(), Completed())


def cancel(store):
    store.cancel(1)


def cancel_while_it_runs(store):
    store.claim_one()
    store.cancel(1)


def retry(store):
    store.cancel(1)
    store.retry(1)


def put_elsewhere(store):
    store.write(control.change, 1, {"queue": "b"})


@on_a_server
@pytest.mark.parametrize(
    ("call", "told"),
    [
        (fail, {("work", "a")}),
        (release, {("work", "a")}),
        (rescue, {("work", "a")}),
        (complete, {("ends", "")}),
        (cancel, {("ends", "")}),
        (cancel_while_it_runs, set()),
        (retry, {("ends", ""), ("work", "")}),
        (put_elsewhere, {("work", "")}),
    ],
)
def test_what_gives_work_or_ends_it_is_told(store, ear, monkeypatch, call, told):
    monkeypatch.setattr(notices, "GAP", 0.0)
    assert store.add(queue="a") == 1
    ear.heard()
    call(store)
    assert set(ear.heard()) == told


@on_a_server
def test_an_end_that_releases_a_dependent_tells_of_both(store, ear):
    parent = store.add(queue="a")
    store.add(queue="b", after=[parent])
    ear.heard()
    complete(store)
    assert sorted(ear.heard()) == [("ends", ""), ("work", "")]


@on_a_server
def test_who_is_told_can_see_it(store, ear, connection):
    store.add(queue="a")
    assert ear.heard() == [("work", "a")]
    assert connection.execute("SELECT queue FROM tasks").fetchall() == [("a",)]


@on_a_server
@pytest.mark.parametrize("name", ["ж" * LONGEST_QUEUE, "a'); DROP TABLE tasks; --", '"', "%s"])
def test_any_name_of_a_queue_can_be_told(store, ear, name):
    watch = Calls(store.database.watch(queues=[name])).settled()
    store.add(queue=name)
    assert ear.heard() == [("work", name)]
    assert watch.wait()
    watch.watch.close()


@on_a_server
def test_of_what_was_rolled_back_nothing_is_told_then_or_later(store, ear):
    def fail(transaction):
        notices.work(transaction, ["a"])
        notices.ends(transaction)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 — it is ours
        store.write(fail)
    store.write(lambda transaction: transaction.execute(text("UPDATE workers SET beat = 7")))
    assert ear.heard() == []


@on_a_server
def test_a_commit_whose_notice_cannot_be_sent_is_a_commit(store, monkeypatch):
    def fail(_notifier, driver, _news):
        driver.close()
        raise psycopg.OperationalError("it is gone")

    monkeypatch.setattr(Notifier, "tell", fail)
    assert store.statuses(store.add(), store.add()) == ["pending", "pending"]


@on_a_server
def test_schemas_of_a_database_do_not_wake_each_other(store, location, ear, connection):
    database = Database(f"{location}&schema=jobs")
    migrate.upgrade(database)
    inside = Ear(connection, "jobrunner_jobs")
    other = Store(database)
    other.add(queue="a")
    assert inside.heard() == [("work", "a")]  # one session hears both kinds: it came once
    database.close()
