"""Schedules by name: the same again changes nothing, and what was missed in a pause is missed."""

from datetime import timedelta

import pytest

from jobrunner.core.new_task import NewTask
from jobrunner.core.schedule import new_schedule
from jobrunner.core.schedule_errors import InvalidScheduleError, ScheduleNotFoundError
from jobrunner.storage import schedules
from jobrunner.storage.firing import fire

WORK = NewTask(function="work")
HOUR = timedelta(hours=1)


@pytest.fixture
def put(store):
    def add(rule="0 * * * *", *, name="hourly", task=WORK, **settings):
        new = new_schedule(name, rule, task, **settings)
        return store.write(schedules.put, new, now=store.now)

    return add


def row(store):
    return store.sql("SELECT * FROM schedules ORDER BY id")


def test_what_was_put_is_read_as_it_is(store, put):
    put(
        "30 2 * * *",
        tz="Europe/Paris",
        missed="all",
        missed_cap=7,
        overlap="queue",
        task=NewTask(function="work", args=[1], priority=3),
    )
    (found,) = store.read(schedules.every)
    assert (found.cron, found.every, found.tz) == ("30 2 * * *", None, "Europe/Paris")
    assert (found.missed, found.missed_cap, found.overlap) == ("all", 7, "queue")
    assert (found.new_task().args, found.new_task().priority) == ([1], 3)
    assert found.next_at == store.now + timedelta(hours=1.5)
    assert found.upcoming(2) == [found.next_at, found.next_at + timedelta(days=1)]


def test_the_same_again_changes_nothing(store, put):
    put()
    put("@every 5m", name="other")
    before = row(store)
    store.later(90)
    put()
    put("@every 5m", name="other")
    assert row(store) == before


def test_a_changed_rule_counts_from_now_on(store, put):
    first = put("@every 1h")
    store.later(600)
    changed = put("@every 30m")
    assert (changed.id, changed.next_at) == (first.id, store.now + HOUR / 2)
    assert put("15 * * * *").next_at == store.now + timedelta(minutes=5)
    assert put("15 * * * *", tz="Asia/Kathmandu").next_at == store.now + timedelta(minutes=20)


def test_a_changed_task_leaves_the_next_tick_as_it_is(store, put):
    first = put("@every 1h")
    store.later(600)
    changed = put("@every 1h", task=NewTask(function="other"), overlap="allow")
    assert (changed.next_at, changed.new_task().function) == (first.next_at, "other")


def test_an_interval_counts_from_its_anchor(store, put):
    anchor = store.now - timedelta(minutes=10)
    assert put("@every 1h", anchor=anchor).next_at == store.now + timedelta(minutes=50)
    later = store.now + timedelta(days=3)
    assert put("@every 1h", anchor=later).next_at == later


def test_ticks_of_a_pause_are_not_made_up(store, put):
    put(missed="all")
    paused = store.write(schedules.pause, "hourly", now=store.now)
    assert (paused.paused_at, paused.upcoming()) == (store.now, [])
    store.later(3 * 3600 + 60)
    assert store.write(fire, now=store.now) == 0
    assert store.write(schedules.pause, "hourly", now=store.now).paused_at == paused.paused_at
    resumed = store.write(schedules.resume, "hourly", now=store.now)
    assert (resumed.paused_at, resumed.next_at) == (None, store.now + timedelta(minutes=59))
    assert store.write(fire, now=store.now) == 0
    assert store.sql("SELECT * FROM schedule_ticks") == []


def test_a_clock_that_was_set_back_repeats_no_tick_of_a_schedule_that_is_resumed(store, put):
    put()
    store.later(3600)
    assert store.write(fire, now=store.now) == 1
    store.later(-1800)
    store.write(schedules.pause, "hourly", now=store.now)
    resumed = store.write(schedules.resume, "hourly", now=store.now)
    assert resumed.next_at == store.now + timedelta(minutes=90)


def test_one_that_is_removed_leaves_its_tasks(store, put):
    put()
    store.later(3600)
    store.write(fire, now=store.now)
    store.write(schedules.remove, "hourly")
    assert (store.read(schedules.every), store.sql("SELECT * FROM schedule_ticks")) == ([], [])
    assert len(store.claim()) == 1


@pytest.mark.parametrize("call", [schedules.get, schedules.remove, schedules.ticks])
def test_an_unknown_name_is_told_with_one_that_is_close(store, put, call):
    put()
    with pytest.raises(ScheduleNotFoundError, match="no schedule 'hurly'") as told:
        store.write(call, "hurly")
    assert told.value.hint == "Did you mean 'hourly'?"


@pytest.mark.parametrize("call", [schedules.pause, schedules.resume])
def test_so_it_is_where_it_is_to_be_changed(store, call):
    with pytest.raises(ScheduleNotFoundError) as told:
        store.write(call, "hourly", now=store.now)
    assert "schedule list" in told.value.hint


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": ""}, "from 1 to 200 characters"),
        ({"name": "x" * 201}, "from 1 to 200 characters"),
        ({"missed": "some"}, "missed cannot be 'some'"),
        ({"overlap": None}, "overlap cannot be None"),
        ({"tz": "Paris"}, "no time zone"),
        ({"rule": timedelta(0)}, "an interval must be"),
        ({"rule": 5}, "an interval must be"),
    ],
    ids=str,
)
def test_what_is_no_schedule_is_refused(wrong, says):
    values = {"name": "a", "rule": "@daily"} | wrong
    with pytest.raises(InvalidScheduleError, match=says):
        new_schedule(values.pop("name"), values.pop("rule"), WORK, **values)


def test_an_anchor_goes_with_an_interval_only(store):
    with pytest.raises(InvalidScheduleError, match="an anchor goes with an interval"):
        new_schedule("a", "@daily", WORK, anchor=store.now)


def test_a_rule_that_has_had_its_last_tick_is_refused(store, put):
    store.now = store.now.replace(year=9999, month=12, day=31)
    with pytest.raises(InvalidScheduleError, match="never fires again"):
        put("0 0 1 1 *")
