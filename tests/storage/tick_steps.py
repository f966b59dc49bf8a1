"""Steps of the model that fire a schedule: each tick once, whenever anybody looks."""

from datetime import timedelta

from hypothesis import strategies as st

from jobrunner.core.new_task import NewTask
from jobrunner.core.schedule import new_schedule
from jobrunner.storage import firing, schedules
from tests.storage.limit_steps import LimitedWorld
from tests.storage.world import MAX_ATTEMPTS, Book, step

EVERY = timedelta(seconds=15)
MOST = 2
"""Ticks that are made up for at a time: few tasks, so that steps meet each other."""


class TickingWorld(LimitedWorld):
    """One schedule, which is fired now and then."""

    def __init__(self, store, hits):
        super().__init__(store, hits)
        for table in ("schedule_ticks", "schedules"):
            store.sql(f"DELETE FROM {table}")  # noqa: S608
        task = NewTask(function="work", max_attempts=MAX_ATTEMPTS)
        ticking = new_schedule(
            "ticking", EVERY, task, missed="all", missed_cap=MOST, overlap="allow"
        )
        self.anchor = store.now
        self.fired_until = store.now
        self.of_the_newest_tick = set()  # it is kept, whatever its age
        store.write(schedules.put, ticking, now=store.now)

    @step(lambda self: len(self.books) < 6, seconds=st.integers(0, 40), twice=st.booleans())
    def fire(self, seconds, twice):
        self.store.later(seconds)
        known = set(self.books) | self.ever_ended
        fired = self.store.write(firing.fire, now=self.store.now)
        if twice:
            assert self.store.write(firing.fire, now=self.store.now) == 0
        first, last = ((at - self.anchor) // EVERY for at in (self.fired_until, self.store.now))
        due = [self.anchor + number * EVERY for number in range(first + 1, last + 1)]
        assert fired == bool(due)
        ticks = self.store.read(schedules.ticks, "ticking", limit=1000)
        new = {tick.tick_at: tick.task_id for tick in ticks if tick.task_id not in known}
        assert sorted(new) == due[-MOST:]
        assert len(set(new.values())) == len(new)
        self.fired_until = self.store.now
        self.books |= {task_id: Book() for task_id in new.values()}
        if new:
            self.of_the_newest_tick = {new[max(new)]}
