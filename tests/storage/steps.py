"""The steps of the model: every call there is, right and wrong, early and late."""

import contextlib
import functools
from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize
from sqlalchemy.exc import IntegrityError

from jobrunner.core.errors import TaskStateError
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import (
    Cancelled,
    Completed,
    Crashed,
    Failed,
    Released,
    Snoozed,
    TimedOut,
)
from jobrunner.core.status import FINAL, Status
from jobrunner.storage import control, progress, prune, retention, sweep, workers
from jobrunner.storage.claim import claim
from jobrunner.storage.enqueue import enqueue
from jobrunner.storage.settle import settle
from tests.storage.conftest import backoff
from tests.storage.tick_steps import TickingWorld
from tests.storage.world import MAX_ATTEMPTS, SPOILT, Book, World, ended, step

OVER = "SELECT id FROM tasks WHERE finished_at IS NOT NULL"
OUTCOMES = [
    Completed("1"),
    Failed("broken"),
    Failed("broken", retryable=False),
    TimedOut("slow"),
    Crashed("signal 11"),
    Snoozed(timedelta(seconds=5)),
    Cancelled("enough"),
    Released(),
]
SOON, LATER = timedelta(seconds=5), timedelta(seconds=20)
KEPT = {Status.COMPLETED: SOON, Status.CANCELLED: SOON, Status.FAILED: LATER}
picks = st.integers(0, 99)  # one of what there is, by its number modulo their count
edges = st.lists(st.tuples(picks, st.booleans()), max_size=3)
ends = st.lists(st.tuples(picks, st.sampled_from(OUTCOMES)), min_size=1, max_size=3)
plans = st.tuples(edges, st.integers(-1, 1), st.sampled_from("ab"), st.sampled_from([0, 0, 8]))

END_AGAIN = (
    "INSERT INTO attempts"
    " (task_id, token, number, worker_id, ready_at, started_at, ended_at, outcome)"
    " SELECT task_id, token, number, worker_id, ready_at, started_at, ended_at, outcome"
    " FROM attempts WHERE task_id = :task AND token = :token"
)


class Model(TickingWorld):
    """Every call there is, in any order."""

    @initialize()
    def begin(self):
        self.accept(self.store.enqueue(NewTask(function="work", max_attempts=MAX_ATTEMPTS)))

    def accept(self, ids):
        self.books |= {task_id: Book() for task_id in ids}

    @step(lambda self: len(self.books) < 6, plans=st.lists(plans, min_size=1, max_size=3))
    def enqueue(self, plans):  # few tasks, so that steps meet each other
        new = []
        for parents, priority, queue, delay in plans:
            known = [*self.books, *new]
            named = {pick % len(known): run_anyway for pick, run_anyway in parents if known}
            new.append(
                NewTask(
                    function="work",
                    priority=priority,
                    queue=queue,
                    delay=timedelta(seconds=delay),
                    timeout=timedelta(seconds=1) if priority else None,
                    max_attempts=MAX_ATTEMPTS,
                    after=[known[at] for at, run_anyway in named.items() if not run_anyway],
                    after_any=[known[at] for at, run_anyway in named.items() if run_anyway],
                )
            )
        self.accept(self.store.enqueue(*new))

    def worker(self, pick):
        """One that lives, or that was lost last."""
        known = [*self.alive, *self.lost[-1:]]
        return known[pick % len(known)]

    @step(
        lambda self: self.any_is(Status.PENDING),
        pick=picks,
        limit=st.integers(1, 3),
        queues=st.sampled_from([(), (), ("a",), ("b", "a")]),
    )
    def claim(self, pick, limit, queues):
        worker = self.worker(pick)
        for lease in self.claiming(worker, limit=limit, queues=queues):
            self.claimed(worker, lease)

    @step(lambda self: self.leases, ends=ends)
    def settle(self, ends):
        self.settle_some(self.leases, ends)

    @step(World.late, ends=ends)
    def settle_late(self, ends):
        self.settle_some(self.late(), ends)

    def settle_some(self, leases, ends):
        over = [ended(leases[-1 - pick % len(leases)][1], out, self.store) for pick, out in ends]
        good = {end.lease for end in over if self.holds(end.lease)}
        before = self.store.everything()
        settlement = self.store.settle_all(over, worker=leases[-1][0])
        assert len(settlement.settled) + len(settlement.refused) == len(over)
        if not good:
            self.refused_changes_nothing(before)
        self.settled(settlement, good)

    @step(lambda self: self.leases, pick=picks)
    def write_with_a_lease(self, pick):
        _, lease = self.leases[-1 - pick % len(self.leases)]
        before = self.store.everything()
        fence = (lease.task_id, lease.token)
        saved = self.store.write(progress.save, *fence, now=self.store.now, done=1)
        assert saved is self.holds(lease)
        if not saved:
            self.refused_changes_nothing(before)
        if fence in self.ends and lease.task_id in self.books:
            with pytest.raises(IntegrityError):
                self.store.sql(END_AGAIN, task=lease.task_id, token=lease.token)

    @step(lambda self: self.leases, pick=picks)
    def take_overdue(self, pick):
        """Somebody saw this claim overrun, however long ago that was."""
        worker, lease = self.leases[-1 - pick % len(self.leases)]
        seen = sweep.Claimed(lease.task_id, lease.token, worker, timedelta(seconds=1))
        good = [lease] if self.holds(lease) else []
        taken = self.store.write(sweep.take_overdue, seen, now=self.store.now, backoff=backoff)
        self.settled(taken, good)

    @step(lambda self: self.books, pick=picks, act=st.sampled_from(["cancel", "retry", "change"]))
    def by_hand(self, pick, act):
        task_id = list(self.books)[pick % len(self.books)]
        status = self.status(task_id)
        fits = {
            "cancel": not status.is_final,
            "retry": status in SPOILT and not self.is_doomed(task_id) and self.may_live([task_id]),
            "change": not status.is_final and status is not Status.IN_PROGRESS,
        }[act]
        self.changed = {task_id} if fits else set()
        with contextlib.nullcontext() if fits else pytest.raises(TaskStateError):
            getattr(self, act)(task_id, status, fits=fits)

    def cancel(self, task_id, status, *, fits):
        self.books[task_id].asked |= status is Status.IN_PROGRESS
        self.store.cancel(task_id)

    def retry(self, task_id, status, *, fits):
        self.books[task_id].retry(fits=fits)
        self.store.retry(task_id)

    def change(self, task_id, status, *, fits):
        values = {"priority": self.before[task_id][1].priority + 1}
        self.store.write(control.change, task_id, values)

    @step(
        lambda self: self.any_is(Status.SCHEDULED, *FINAL),
        seconds=st.integers(1, 25),
        prune=st.booleans(),
    )
    def time_passes(self, seconds, prune):
        self.store.later(seconds)
        self.store.write(sweep.promote, now=self.store.now)
        if prune:
            self.prune()

    def prune(self):
        """What is old goes, but never what an unfinished task depends on."""
        old = {
            i
            for i, (status, _) in self.before.items()
            if status.is_final and self.store.get(i).finished_at < self.store.now - KEPT[status]
        }
        unfinished = [task_id for task_id in self.books if not self.status(task_id).is_final]
        parents = {parent for task_id in unfinished for parent, _, _ in self.parents(task_id)}
        self.store.write(retention.keep, "", KEPT)
        self.store.write(prune.prune, now=self.store.now)
        gone = old - parents - self.of_the_newest_tick
        self.books = {i: book for i, book in self.books.items() if i not in gone}

    @step(lambda self: self.held, pick=picks, beats=st.booleans())
    def lose(self, pick, beats):
        """Somebody has seen a worker stand still, and it may have beaten since."""
        self.declare_lost(self.worker(pick), beats=beats)

    def declare_lost(self, worker, *, beats=False):
        """As the sweeps do it: who declares a worker lost takes its tasks."""
        lives, seen, now = worker in self.alive, self.alive.get(worker, 0), self.store.now
        if beats:
            assert self.store.write(workers.beat, worker, now=now) is lives
            if lives:
                self.alive[worker] += 1
        call = functools.partial(workers.declare_lost, seen_beat=seen, reason="silent", now=now)
        assert self.store.write(call, worker) is (lives and not beats)
        if lives and not beats:
            mine = [task_id for task_id, (holder, _) in self.held.items() if holder == worker]
            del self.alive[worker]
            self.lost.append(worker)
            self.join()
            settlement = self.store.rescue(worker)
            assert settlement.refused == [], "it looked at what is not in progress"
            self.settled(settlement, mine)

    @step(lambda self: self.held, pick=picks, reopen=st.booleans())
    def crash_inside_a_transaction(self, pick, reopen):
        """Nothing is left of it."""
        before, now = self.store.everything(), self.store.now
        worker = self.worker(pick)
        over = [ended(lease, Completed(), self.store) for _, lease in self.leases]

        def break_down(transaction):
            enqueue(transaction, [NewTask(function="work")], now=now)
            settle(transaction, over, worker_id=worker, now=now, backoff=backoff)
            claim(transaction, worker_id=worker, token=-1, limit=3, now=now)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.store.write(break_down)
        if reopen:
            self.store.database.close()
        self.refused_changes_nothing(before)

    def teardown(self):
        """Promise 2: whatever happened, one good worker brings everything to an end."""
        for lost in list(self.alive):
            self.declare_lost(lost)
        self.what_was_promised_holds()
        self.resume_all()
        (worker, *_) = self.alive
        for _ in range(2 * len(self.books) + 2):
            self.ever_ended |= {row.id for row in self.store.sql(OVER)}
            self.store.later(100)
            self.store.write(sweep.promote, now=self.store.now)
            for lease in self.claiming(worker):
                self.claimed(worker, lease)
                self.settled(self.store.settle(lease, Completed(), worker=worker), [lease])
        assert self.store.sql("SELECT id FROM tasks WHERE finished_at IS NULL") == []
