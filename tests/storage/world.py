"""What the model knows of the store, and the promises that must hold after whatever step."""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jobrunner.core.outcome import (
    NAMES,
    Cancelled,
    Completed,
    Crashed,
    Ended,
    Failed,
    Lost,
    Outcome,
    Released,
    Snoozed,
    TimedOut,
)
from jobrunner.core.status import TRANSITIONS, Status
from jobrunner.core.task import Lease, TaskId, Token, WorkerId
from jobrunner.core.unique import Unique
from jobrunner.storage.settle import Settlement
from jobrunner.storage.types import micros
from tests.storage.conftest import Store
from tests.storage.keyring import Keyring
from tests.storage.lived import TABLES, Lived

SPOILT = {Status.FAILED, Status.CANCELLED}
MAX_ATTEMPTS = 2
MAX_CRASHES = 2
"""Few, so that few steps come to the end of them."""


@dataclass
class Book:
    """What one task has behind it, counted by the model and not by the store."""

    attempt: int = 0
    crashes: int = 0
    max_attempts: int = MAX_ATTEMPTS
    asked: bool = False
    """Its end was asked for while it ran."""
    unique: Unique | None = None
    begun: int = 0
    """The attempts it had when it was rewound last."""

    def fate(self, outcome: Outcome) -> Status:
        """What is to become of the task: `decide`, told again in the promises' own words."""
        spent = self.attempt - self.crashes >= self.max_attempts
        died = self.crashes + 1 >= MAX_CRASHES
        ways = (
            (isinstance(outcome, Completed), Status.COMPLETED),
            (isinstance(outcome, Cancelled), Status.CANCELLED),
            (isinstance(outcome, Failed) and not outcome.retryable, Status.FAILED),
            (isinstance(outcome, Failed | TimedOut) and spent, Status.FAILED),
            (isinstance(outcome, Crashed | Lost) and died, Status.FAILED),
            (self.asked, Status.CANCELLED),
            (isinstance(outcome, Failed | TimedOut | Snoozed), Status.SCHEDULED),
            (isinstance(outcome, Crashed | Lost | Released), Status.PENDING),
        )
        return next(status for applies, status in ways if applies)

    def note(self, outcome: Outcome) -> None:
        """An attempt has ended."""
        if isinstance(outcome, Snoozed | Released) and not self.asked:
            self.attempt -= 1
        self.crashes += isinstance(outcome, Crashed | Lost)
        self.asked = False

    def retry(self, *, fits: bool) -> None:
        """A person wants it to run again."""
        if not fits:
            return
        self.crashes = 0
        self.max_attempts = max(self.max_attempts, self.attempt + 1)


def step(when: Callable[[Any], Any] = lambda _: True, **arguments: Any) -> Callable[..., Any]:
    """A rule of the model that counts how often it was taken."""

    def decorate(method: Callable[..., None]) -> Any:
        @functools.wraps(method)
        def counting(self: "World", **values: Any) -> None:
            self.hits[method.__name__] += 1
            method(self, **values)

        return precondition(when)(rule(**arguments)(counting))

    return decorate


class World(Keyring, Lived, RuleBasedStateMachine):
    """Knows who holds which lease, and how the tasks stood before the last step."""

    def __init__(self, store: Store, hits: Counter[str]) -> None:
        super().__init__()
        self.store = store
        self.hits = hits
        hits["examples"] += 1
        for table in TABLES:
            store.sql(f"DELETE FROM {table}")  # noqa: S608
        self.names = iter(range(10_000))
        self.alive: dict[WorkerId, int] = {}  # with the beat of each
        self.lost: list[WorkerId] = []
        self.join()
        self.join()
        self.books: dict[TaskId, Book] = {}
        self.leases: list[tuple[WorkerId, Lease]] = []  # with all that were lost or settled
        self.held: dict[TaskId, tuple[WorkerId, Token]] = {}  # who alone may settle it
        self.ends: dict[tuple[TaskId, Token], str] = {}
        self.before: dict[TaskId, tuple[Status, Any]] = {}
        self.changed: set[TaskId] = set()  # by hand, in this step
        self.ever_ended: set[TaskId] = set()
        self.completed: set[TaskId] = set()

    def join(self) -> WorkerId:
        worker = self.store.worker(f"worker-{next(self.names)}")
        self.alive[worker] = 0
        return worker

    def status(self, task_id: TaskId) -> Status:
        return self.before[task_id][0]

    def any_is(self, *statuses: Status) -> bool:
        return any(status in statuses for status, _ in self.before.values())

    def parents(self, task_id: TaskId) -> list[Any]:
        return self.store.sql(
            "SELECT id, status, on_failure FROM tasks JOIN dependencies ON parent_id = id"
            " WHERE dependent_id = :id",
            id=task_id,
        )

    def is_doomed(self, task_id: TaskId) -> bool:
        return any(s in SPOILT and rule == "cancel" for _, s, rule in self.parents(task_id))

    def holds(self, lease: Lease) -> bool:
        return self.held.get(lease.task_id, (None, None))[1] == lease.token

    def late(self) -> list[tuple[WorkerId, Lease]]:
        """Leases on tasks that somebody else runs by now."""
        return [
            one for one in self.leases if one[1].task_id in self.held and not self.holds(one[1])
        ]

    def claimed(self, worker: WorkerId, lease: Lease) -> None:
        """Promises 3 and 13, at the moment of a claim."""
        book = self.books[lease.task_id]
        book.attempt += 1
        assert worker in self.alive, "a lost worker claims nothing"
        assert lease.task_id not in self.held, "somebody runs it already"
        assert (lease.attempt, lease.crashes) == (book.attempt, book.crashes)
        assert lease.max_attempts == book.max_attempts
        assert lease.ready_at <= micros(self.store.now), "its time has not come"
        self.held[lease.task_id] = worker, lease.token
        self.leases.append((worker, lease))
        for parent, status, on_failure in self.parents(lease.task_id):
            assert parent in self.ever_ended
            assert on_failure == "run" or status == "completed"

    def settled(self, settlement: Settlement, good: Iterable[Lease | TaskId]) -> None:
        """Promises 3, 5 and 7: what holds its lease is settled, all else refused."""
        expected = {one.task_id if isinstance(one, Lease) else one for one in good}
        assert sorted(end.lease.task_id for end, _ in settlement.settled) == sorted(expected)
        for end, verdict in settlement.settled:
            lease, book = end.lease, self.books[end.lease.task_id]
            assert self.held.pop(lease.task_id)[1] == lease.token
            assert verdict.status == book.fate(end.outcome)
            assert self.store.statuses(lease.task_id) == [verdict.status]
            self.ends[lease.task_id, lease.token] = NAMES[type(end.outcome)]
            book.note(end.outcome)
            if not verdict.status.is_final:
                self.waits_again(lease.task_id)

    def refused_changes_nothing(self, before: list[Any]) -> None:
        """Promise 4: a write without a lease changes no row."""
        assert self.store.everything() == before

    @invariant()
    def what_was_promised_holds(self) -> None:
        assert self.store.problems() == []
        rows = self.store.sql("SELECT * FROM tasks ORDER BY id")
        now = {TaskId(row.id): (Status(row.status), row) for row in rows}
        self.promise_2_every_task_comes_to_one_end(now)
        self.promise_3_who_claimed_a_task_alone_has_it(rows)
        self.promise_6_final_is_final(now)
        self.promise_7_every_end_is_in_the_history_once(now)
        self.promise_13_dependencies_settle(now)
        self.promise_of_one_task_of_a_key(now)
        self.ever_ended |= {task_id for task_id, (status, _) in now.items() if status.is_final}
        self.before, self.changed = now, set()

    def changes(self, now: Any) -> Iterator[tuple[TaskId, Status | None, Status]]:
        for task_id, (status, _) in now.items():
            was = self.before[task_id][0] if task_id in self.before else None
            if was is not status:
                yield task_id, was, status

    def promise_2_every_task_comes_to_one_end(self, now: Any) -> None:
        """None vanishes, each moves as the page of statuses says, none completes twice."""
        assert now.keys() == self.books.keys()
        for task_id, was, status in self.changes(now):
            assert (was, status) in TRANSITIONS
            if status is Status.COMPLETED:
                assert task_id not in self.completed
                self.completed.add(task_id)
            elif was is Status.COMPLETED:
                assert task_id in self.changed
                self.completed.remove(task_id)

    def promise_3_who_claimed_a_task_alone_has_it(self, rows: list[Any]) -> None:
        running = [row for row in rows if row.status == "in_progress"]
        assert {row.id: (row.worker_id, row.token) for row in running} == self.held
        assert {row.id for row in rows if row.token is not None} == self.held.keys()

    def promise_6_final_is_final(self, now: Any) -> None:
        for task_id, (was, row) in self.before.items():
            if was.is_final and task_id in now and task_id not in self.changed:
                assert now[task_id][1] == row
        asked = {i for i, (status, row) in now.items() if row.cancel_requested_at is not None}
        assert all(now[i][0].is_final or self.books[i].asked for i in asked)

    def promise_7_every_end_is_in_the_history_once(self, now: Any) -> None:
        """Stored with the result, in one transaction; released dependents are promise 13's."""
        stored = self.store.sql("SELECT task_id, token, outcome FROM attempts")
        expected = [(*claim, outcome) for claim, outcome in self.ends.items() if claim[0] in now]
        assert sorted(map(tuple, stored)) == sorted(expected)

    def promise_13_dependencies_settle(self, now: Any) -> None:
        for task_id, (status, _) in now.items():
            if status is Status.BLOCKED:  # not for ever: somebody it waits for has not ended
                assert any(not Status(parent).is_final for _, parent, _ in self.parents(task_id))
        for task_id, was, status in self.changes(now):
            if was is Status.BLOCKED and status is Status.CANCELLED and task_id not in self.changed:
                assert self.is_doomed(task_id)


def ended(lease: Lease, outcome: Outcome, store: Store) -> Ended:
    """An attempt that ends now."""
    return store.ended(lease, outcome)
