"""Any order of calls, from workers that may be late, against the little that must always hold."""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jobrunner.core.errors import TaskStateError
from jobrunner.core.outcome import (
    Cancelled,
    Completed,
    Crashed,
    Ended,
    Failed,
    Released,
    Snoozed,
    TimedOut,
)
from jobrunner.core.status import TRANSITIONS, Status
from jobrunner.core.task import NewTask
from jobrunner.storage import progress, sweep

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
TABLES = ("progress", "attempts", "dependencies", "tasks", "workers")
SPOILT = {Status.FAILED, Status.CANCELLED}
ENDED = {*SPOILT, Status.COMPLETED}
picks = st.integers(0, 99)  # one of what there is, by its number modulo their count
edges = st.lists(st.tuples(picks, st.booleans()), max_size=3)
ends = st.lists(st.tuples(picks, st.sampled_from(OUTCOMES)), min_size=1, max_size=3)
plans = st.tuples(edges, st.integers(-1, 1), st.sampled_from("ab"), st.sampled_from([0, 0, 8]))


class Model(RuleBasedStateMachine):
    """Knows who holds which lease, and how the tasks stood before the last step."""

    def __init__(self, store):
        super().__init__()
        self.store = store
        for table in TABLES:
            store.sql(f"DELETE FROM {table}")  # noqa: S608
        self.names = iter(range(10_000))
        self.workers = [self.new_worker(), self.new_worker()]
        self.ids = []
        self.leases = []  # (worker, lease), with all that were lost or settled
        self.held = {}  # task id -> the only token that may settle it
        self.before = {}
        self.by_hand = None
        self.ever_ended = set()
        self.completed = set()

    def new_worker(self):
        return self.store.worker(f"worker-{next(self.names)}")

    @initialize()
    def begin(self):
        self.ids += self.store.enqueue(NewTask(function="work", queue="a"))

    @precondition(lambda self: len(self.ids) < 6)  # few, so that steps meet each other
    @rule(plans=st.lists(plans, min_size=1, max_size=3))
    def enqueue(self, plans):
        new = []
        for parents, priority, queue, delay in plans:
            known = [*self.ids, *new]
            named = {pick % len(known): run_anyway for pick, run_anyway in parents if known}
            new.append(
                NewTask(
                    function="work",
                    priority=priority,
                    queue=queue,
                    delay=timedelta(seconds=delay),
                    max_attempts=2,
                    after=[known[at] for at, run_anyway in named.items() if not run_anyway],
                    after_any=[known[at] for at, run_anyway in named.items() if run_anyway],
                )
            )
        self.ids += self.store.enqueue(*new)

    @precondition(lambda self: self.any_is("pending"))
    @rule(pick=picks, limit=st.integers(1, 3), queues=st.sampled_from([(), ("a",), ("b", "a")]))
    def claim(self, pick, limit, queues):
        worker = self.workers[pick % 2]
        for lease in self.store.claim(worker, limit=limit, queues=queues):
            assert lease.task_id not in self.held, "somebody runs it already"
            self.held[lease.task_id] = lease.token
            self.leases.append((worker, lease))
            for parent, status, on_failure in self.parents(lease.task_id):
                assert parent in self.ever_ended
                assert on_failure == "run" or status == "completed"

    def parents(self, task_id):
        return self.store.sql(
            "SELECT id, status, on_failure FROM tasks JOIN dependencies ON parent_id = id"
            " WHERE dependent_id = :id",
            id=task_id,
        )

    @precondition(lambda self: self.leases)
    @rule(ends=ends)
    def settle(self, ends):
        self.settle_some(self.leases, ends)

    @precondition(lambda self: self.late())
    @rule(ends=ends)
    def settle_late(self, ends):
        self.settle_some(self.late(), ends)

    def late(self):
        """Leases on tasks that somebody else runs by now."""
        held = self.held
        return [(w, old) for w, old in self.leases if held.get(old.task_id, old.token) != old.token]

    def settle_some(self, leases, ends):
        worker, _ = leases[ends[0][0] % len(leases)]
        ended = []
        for pick, outcome in ends:
            _, lease = leases[-1 - pick % len(leases)]
            ended.append(Ended(lease, outcome, self.store.now, self.store.now))
        good = {end.lease for end in ended if self.held.get(end.lease.task_id) == end.lease.token}
        before = self.store.everything()
        settlement = self.store.settle_all(ended, worker=worker)
        assert {end.lease for end, _ in settlement.settled} == good
        assert len(settlement.settled) == len(good)
        if not good:
            assert self.store.everything() == before
        for end, verdict in settlement.settled:
            del self.held[end.lease.task_id]
            assert self.store.statuses(end.lease.task_id) == [verdict.status]

    @precondition(lambda self: self.leases)
    @rule(pick=picks)
    def save_progress(self, pick):
        _, lease = self.leases[-1 - pick % len(self.leases)]
        fence = (lease.task_id, lease.token)
        saved = self.store.write(progress.save, *fence, now=self.store.now, done=1)
        assert saved is (self.held.get(lease.task_id) == lease.token)

    @precondition(lambda self: self.ids)
    @rule(pick=picks)
    def cancel(self, pick):
        task_id = self.ids[pick % len(self.ids)]
        self.by_hand = task_id
        final = self.before[task_id][0].is_final
        with pytest.raises(TaskStateError) if final else contextlib.nullcontext():
            self.store.cancel(task_id)

    @precondition(lambda self: self.any_is(*SPOILT))
    @rule(pick=picks)
    def retry(self, pick):
        over = [task_id for task_id, (status, _) in self.before.items() if status in SPOILT]
        task_id = over[pick % len(over)]
        try:
            self.store.retry(task_id)
        except TaskStateError:
            assert self.is_doomed(task_id)
        else:
            self.by_hand = task_id

    def is_doomed(self, task_id):
        return any(s in SPOILT and rule == "cancel" for _, s, rule in self.parents(task_id))

    def any_is(self, *statuses):
        return any(status in statuses for status, _ in self.before.values())

    @precondition(lambda self: self.any_is("scheduled"))
    @rule(seconds=st.integers(1, 25))
    def time_passes(self, seconds):
        self.store.later(seconds)
        self.store.write(sweep.promote, now=self.store.now)

    @precondition(lambda self: self.held)
    @rule(pick=picks)
    def rescue(self, pick):
        lost = self.workers[pick % 2]
        assert self.store.lose(lost)
        for end, _ in self.store.rescue(lost).settled:
            assert self.held.pop(end.lease.task_id) == end.lease.token
        self.workers[pick % 2] = self.new_worker()

    @precondition(lambda self: self.late())
    @rule()
    def reopen(self):
        self.store.database.close()

    @invariant()
    def what_must_hold_holds(self):
        assert self.store.problems() == []
        now = {row.id: (Status(row.status), tuple(row)) for row in self.rows()}
        for task_id, (status, row) in now.items():
            was, old_row = self.before.get(task_id, (None, None))
            if was is not status:
                assert (was, status) in TRANSITIONS
            if was is not None and was.is_final and task_id != self.by_hand:
                assert row == old_row
            if status is Status.COMPLETED and was is not Status.COMPLETED:
                assert task_id not in self.completed
                self.completed.add(task_id)
            if status.is_final:
                self.ever_ended.add(task_id)
            if status is Status.BLOCKED:
                statuses = [Status(parent) for _, parent, _ in self.parents(task_id)]
                assert not all(parent.is_final for parent in statuses)
            if was is Status.BLOCKED and status is Status.CANCELLED and task_id != self.by_hand:
                assert self.is_doomed(task_id)
        stopping = self.store.sql("SELECT status FROM tasks WHERE cancel_requested_at IS NOT NULL")
        assert {row.status for row in stopping} <= {"in_progress", *ENDED}
        self.before, self.by_hand = now, None

    def rows(self):
        return self.store.sql("SELECT * FROM tasks ORDER BY id")

    def teardown(self):
        """Whatever happened, one good worker brings everything to an end."""
        self.rescue(0)
        self.rescue(1)
        for _ in range(2 * len(self.ids) + 2):
            self.store.later(100)
            self.store.write(sweep.promote, now=self.store.now)
            for lease in self.store.claim(self.workers[0]):
                self.store.settle(lease, Completed(), worker=self.workers[0])
        assert {row.status for row in self.rows()} <= ENDED


def test_no_order_of_calls_breaks_the_store(store):
    enough = settings(
        max_examples=50,
        stateful_step_count=40,
        deadline=None,
        phases=[Phase.reuse, Phase.generate],  # with Phase.shrink a failure takes minutes
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: Model(store), settings=enough)
