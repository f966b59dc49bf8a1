"""Ten thousand schedules and a clock moved over an hour: each tick once, none lost."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text

from jobrunner.core.cron import Every
from jobrunner.core.due import between
from jobrunner.core.new_task import NewTask
from jobrunner.core.schedule import new_schedule
from jobrunner.storage import firing, schedules
from tests.core.clockwork import Clockwork

HOUR = timedelta(hours=1)
TZ = "Australia/Lord_Howe"
CRONS = ("*/10 * * * *", "0 * * * *", "17 */2 * * *", "5-50/15 11,12 * * *", "30 3 * * *")
SPANS = (timedelta(minutes=7), timedelta(minutes=25), timedelta(hours=2))
OVERLAPS = ("allow", "skip", "queue")

FIRER = """
import sys
from datetime import datetime, timedelta
from jobrunner.core.errors import DatabaseError
from jobrunner.storage import firing
from jobrunner.storage.engine import Database

location, start, seed = sys.argv[1:]
steps = 6 + int(seed)  # each has a clock of its own, and they never agree
now, end = datetime.fromisoformat(start), datetime.fromisoformat(start) + timedelta(hours=1)
database = Database(location)
print("ready", flush=True)
sys.stdin.readline()
fired = 0
for step in range(steps + 1):
    now = datetime.fromisoformat(start) + step * timedelta(hours=1) / steps
    while True:
        try:
            with database.writing() as transaction:
                some = firing.fire(transaction, now=now)
        except DatabaseError as error:
            if "locked" in str(error):  # as a scheduler does, which tries again a second later
                continue
            raise
        fired += some
        if not some:
            break
database.close()
print(fired)
"""

MULTIPLY = """
INSERT INTO schedules (name, cron, every, tz, anchor_at, missed, missed_cap, overlap, task,
    next_at, created_at)
WITH RECURSIVE copies(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < :copies)
SELECT name || '-' || n, cron, every, tz, anchor_at, missed, missed_cap, overlap, task, next_at,
    created_at FROM schedules, copies
"""


@pytest.fixture
def make(store):
    """Store so many schedules of eight rules; returns the ticks of each rule within the hour."""

    def many(count):
        rules = (*CRONS, *SPANS)
        expected = {}
        with store.database.writing() as transaction:
            for number, rule in enumerate(rules):
                new = new_schedule(
                    f"{number}",
                    rule,
                    NewTask(function="work", args=[number]),
                    tz=TZ,
                    missed="all",
                    overlap=OVERLAPS[number % 3],
                )
                schedules.put(transaction, new, now=store.now)
                until = store.now + HOUR
                expected[f"{number}"] = (
                    Clockwork(rule, TZ).between(store.now, until)
                    if isinstance(rule, str)
                    else between(Every(rule, store.now), store.now, until)
                )
            copies = count // len(rules) - 1
            transaction.execute(text(MULTIPLY), {"copies": copies})
        assert store.sql("SELECT count(*) FROM schedules") == [(count,)]
        return expected

    return many


def check(store, expected, count):
    """Each schedule has the ticks of its rule, once, and each task belongs to one tick."""
    found = Counter()
    with store.database.reading() as transaction:
        query = text(
            "SELECT name, tick_at, task_id FROM schedules LEFT JOIN schedule_ticks"
            " ON schedule_ticks.schedule_id = schedules.id ORDER BY schedules.id, tick_at"
        )
        rows = transaction.execute(query).all()
    by_name = {}
    for name, tick_at, task_id in rows:
        by_name.setdefault(name, []).extend([] if tick_at is None else [tick_at])
        found.update([task_id] if task_id is not None else [])
    wanted = {
        number: [round(tick.timestamp() * 1e6) for tick in ticks]
        for number, ticks in expected.items()
    }
    wrong = [name for name, ticks in by_name.items() if ticks != wanted[name.partition("-")[0]]]
    assert (len(by_name), wrong) == (count, [])
    assert set(found.values()) == {1}
    assert len(found) == store.sql("SELECT count(*) FROM tasks")[0][0]


def test_ten_thousand_fired_by_processes_whose_clocks_differ(store, make, start_program):
    expected = make(10_000)
    start = store.now.isoformat()
    firers = [start_program(FIRER, store.database.location, start, str(seed)) for seed in range(3)]
    assert [firer.stdout.readline() for firer in firers] == ["ready\n"] * 3
    for firer in firers:
        firer.stdin.write("\n")
        firer.stdin.flush()
    fired = [int(firer.communicate(timeout=300)[0]) for firer in firers]
    assert [firer.returncode for firer in firers] == [0, 0, 0]
    assert sum(fired) > 10_000
    store.later(3600)
    assert store.write(firing.fire, now=store.now) == 0
    check(store, expected, 10_000)


def test_an_hour_in_one_step_makes_up_for_all_of_it(store, make):
    expected = make(800)
    store.later(3600)
    while store.write(firing.fire, now=store.now):
        pass
    check(store, expected, 800)


@pytest.mark.parametrize("seed", range(3))
def test_steps_forward_and_back_double_nothing_and_lose_nothing(store, make, seed):
    expected = make(80)
    start, steps = store.now, random.Random(seed)  # noqa: S311 — any walk
    for _ in range(40):
        store.now = start + steps.random() * HOUR
        store.write(firing.fire, now=store.now)
    store.now = start + HOUR
    store.write(firing.fire, now=store.now)
    check(store, expected, 80)
