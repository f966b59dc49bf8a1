"""A tick is fired once, with its task and the next moment, as its policies say."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed
from jobrunner.core.schedule import new_schedule
from jobrunner.storage import agenda, firing, schedules
from tests.databases import on_a_server
from tests.storage.plans import plans


def elsewhere(call):
    """Call in another thread, which has a transaction of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result(timeout=60)


@pytest.fixture
def put(store):
    def add(rule="0 * * * *", *, name="hourly", **settings):
        new = new_schedule(name, rule, NewTask(function="work", kwargs={"n": 1}), **settings)
        return store.write(schedules.put, new, now=store.now)

    return add


@pytest.fixture
def fire(store):
    return lambda: store.write(firing.fire, now=store.now)


@pytest.fixture
def ticks(store):
    """Minutes after the start of each tick, with its task's number among the tasks, or None."""
    start = store.now

    def told(name="hourly"):
        found = reversed(store.read(schedules.ticks, name, limit=1000))
        return [((tick.tick_at - start) / timedelta(minutes=1), tick.task_id) for tick in found]

    return told


def test_before_its_moment_nothing_happens(store, put, fire, ticks):
    put()
    store.later(3599.999999)
    assert (fire(), ticks()) == (0, [])


def test_a_tick_that_is_due_has_one_task_and_the_next_moment(store, put, fire, ticks):
    put()
    store.later(3600)
    assert (fire(), fire()) == (1, 0)
    assert ticks() == [(60, 1)]
    task = store.get(1)
    assert (task.status, task.kwargs, task.created_at) == ("pending", {"n": 1}, store.now)
    found = store.read(schedules.get, "hourly")
    assert (found.next_at, found.last_task_id) == (store.now + timedelta(hours=1), 1)
    assert store.read(schedules.tick_of, 1) == store.now
    assert store.read(schedules.tick_of, 2) is None
    assert store.read(schedules.tick_of, 2**70) is None


@pytest.mark.parametrize(
    ("missed", "found"),
    [("skip", [(180, None)]), ("one", [(180, 1)]), ("all", [(60, 1), (120, 2), (180, 3)])],
)
def test_missed_ticks_become_none_one_or_all(store, put, fire, ticks, missed, found):
    put(missed=missed, overlap="allow")
    store.later(3.5 * 3600)
    fire()
    assert ticks() == found
    assert store.read(schedules.get, "hourly").next_at == store.now + timedelta(hours=0.5)


def test_of_all_the_newest_are_kept(store, put, fire, ticks):
    put(missed="all", missed_cap=2, overlap="allow")
    store.later(10 * 3600)
    fire()
    assert ticks() == [(540, 1), (600, 2)]


def test_while_its_task_is_live_a_tick_is_skipped_and_written_down(store, put, fire, ticks):
    put(overlap="skip")
    for _ in range(2):
        store.later(3600)
        fire()
    assert ticks() == [(60, 1), (120, None)]
    store.settle(store.claim_one(), Completed())
    store.later(3600)
    fire()
    assert ticks()[2:] == [(180, 2)]


def test_of_many_that_were_missed_the_first_is_live_for_the_others(store, put, fire, ticks):
    put(missed="all", overlap="skip")
    store.later(3 * 3600)
    fire()
    assert ticks() == [(60, 1), (120, None), (180, None)]


def test_a_queue_runs_one_after_the_other_however_they_end(store, put, fire, ticks):
    put(missed="all", overlap="queue")
    store.later(3 * 3600)
    fire()
    store.later(3600)
    fire()
    assert ticks() == [(60, 1), (120, 2), (180, 3), (240, 4)]
    assert store.statuses(1, 2, 3, 4) == ["pending", "blocked", "blocked", "blocked"]
    store.cancel(1)
    assert store.statuses(2, 3, 4) == ["pending", "blocked", "blocked"]
    assert store.get(4).after == (3,)


def test_a_queue_does_not_wait_for_who_has_ended(store, put, fire):
    put(overlap="queue")
    store.later(3600)
    fire()
    store.settle(store.claim_one(), Completed())
    store.later(3600)
    fire()
    assert store.statuses(2) == ["pending"]


def test_a_task_that_was_pruned_is_in_nobodys_way(store, put, fire, ticks):
    put(overlap="skip")
    store.later(3600)
    fire()
    store.sql("DELETE FROM tasks")
    store.later(3600)
    fire()
    assert [task_id for _, task_id in ticks()] == [1, 2]


def test_a_clock_that_was_set_back_repeats_nothing(store, put, fire, ticks):
    put(overlap="allow")
    store.later(3600)
    fire()
    store.later(-3000)
    assert fire() == 0
    store.later(3000)
    assert fire() == 0
    # Somebody's own UPDATE, or a copy of an older row.
    store.sql("UPDATE schedules SET next_at = next_at - 3600000000")
    fire()
    assert ticks() == [(60, 1)]


def test_one_that_cannot_be_read_is_paused_and_keeps_no_other_from_firing(store, put, fire, ticks):
    put(name="broken")
    put(name="elsewhere", tz="Europe/Paris")
    put(name="newer")
    put()
    store.sql("UPDATE schedules SET task = '{}' WHERE name = 'broken'")
    store.sql("UPDATE schedules SET tz = 'Mars/Utopia' WHERE name = 'elsewhere'")
    store.sql("UPDATE schedules SET cron = '@fortnightly' WHERE name = 'newer'")
    store.later(3600)
    assert (fire(), fire()) == (4, 0)
    assert ticks() == [(60, 1)]
    found = {one.name: one for one in store.read(schedules.every)}
    assert found["broken"].paused_at == found["elsewhere"].paused_at == store.now
    assert "exactly one" in found["broken"].error
    assert "no time zone 'Mars/Utopia'" in found["elsewhere"].error
    assert found["newer"].error == "'@fortnightly' is no rule"
    put(name="elsewhere", tz="Europe/Paris")  # as the code declares it, at the next start
    mended = store.read(schedules.get, "elsewhere")
    assert (mended.paused_at, mended.error) == (None, None)


def test_old_ticks_go_and_the_newest_stays(store, put, fire, ticks):
    put("0 0 1 * *", overlap="allow")
    for days in (31, 28, 31):
        store.later(days * 86_400)
        fire()
    assert [minutes / 1440 for minutes, _ in ticks()] == [90]


def test_a_bounded_number_is_fired_at_once(store, put, fire, monkeypatch):
    monkeypatch.setattr(firing, "TICKS_AT_ONCE", 5)
    for number in range(4):
        put(name=f"s{number}", missed="all", overlap="allow")
    store.later(3 * 3600)
    assert [fire(), fire(), fire()] == [2, 2, 0]
    assert len(store.claim()) == 12


def test_the_agenda_names_the_next_tick(store, put):
    assert store.read(agenda.look).next() is None
    found = put()
    assert store.read(agenda.look).next() == store.read(agenda.look).next_tick == found.next_at
    store.write(schedules.pause, "hourly", now=store.now)
    assert store.read(agenda.look).next() is store.read(agenda.look).next_tick is None


def test_what_is_due_is_found_by_an_index(store, put):
    put()
    for call in (lambda t: firing.fire(t, now=store.now + timedelta(hours=1)), agenda.look):
        steps = [step for one in plans(store, call, could=True) for step in one.steps]
        assert [s for s in steps if s.is_whole and s.table in {"schedules", "schedule_ticks"}] == []


@on_a_server
def test_a_task_that_is_ending_is_waited_for_by_nobody_who_fires(store, put, fire, ticks):
    put(overlap="queue")
    store.later(3600)
    fire()
    store.later(3600)
    with store.database.writing() as other:
        other.exec_driver_sql("UPDATE tasks SET description = 'held' WHERE id = 1")
        assert elsewhere(fire) == 0  # it does not wait, and loses nothing
    assert fire() == 1
    assert ticks() == [(60, 1), (120, 2)]


@on_a_server
def test_a_schedule_that_another_fires_is_left_to_it(store, put, fire, ticks):
    put()
    store.later(3600)
    with store.database.writing() as other:
        assert firing.fire(other, now=store.now) == 1
        assert elsewhere(fire) == 0
    assert ticks() == [(60, 1)]
