"""Run everything that can run, in the calling thread, as a worker would."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobrunner.core.errors import ConfigurationError, JobrunnerError
from jobrunner.core.fields import LONGEST
from jobrunner.core.outcome import NAMES
from jobrunner.core.status import Status
from jobrunner.core.task import Task
from jobrunner.storage import reads
from jobrunner.storage.agenda import look
from jobrunner.task_queue import TaskQueue
from jobrunner.testing.clock import StubClock
from jobrunner.testing.stand_in import Ran, StandIn

LIMIT = 1_000
"""Attempts after which a queue counts as one that never becomes empty."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain did."""

    outcomes: Mapping[str, int]
    """How many attempts ended in which way: `{"completed": 2, "snoozed": 1}`."""
    tasks: Sequence[Task[Any]]
    """The tasks that ran, as they are now, in the order in which they ran first."""
    errors: Sequence[BaseException]
    """What failed attempts raised, in order."""


class DrainLimitError(JobrunnerError):
    """A queue does not become empty: a task snoozes, or enqueues itself, again and again."""

    hint = "Does a task snooze or enqueue itself for ever? Else raise `limit`."

    def __init__(self, limit: int, ran: Sequence[Ran]) -> None:
        """`limit` attempts were made, those in `ran` among them."""
        often, times = Counter(one.ended.lease.task_id for one in ran).most_common(1)[0]
        super().__init__(
            f"after {limit} attempts the queue is not empty; task {often} ran {times} times"
        )
        self.limit = limit


def drain(
    queue: TaskQueue,
    *,
    with_scheduled: bool = False,
    raise_errors: bool = True,
    limit: int = LIMIT,
) -> Drained:
    """Run what is pending, and all that follows from it, until nothing is pending.

    Tasks run one at a time in this thread, in the order in which a worker claims them, and are
    settled as a worker settles them. What a failing function raises comes out of here, after the
    attempt was settled, and ends the drain; with `raise_errors=False` it is only noted, and the
    drain goes on. `with_scheduled` moves the queue's stub clock to each next due moment, so that
    delays, retries and snoozes run too. Timeouts are not enforced.

    Raises:
        ConfigurationError: `with_scheduled`, and the queue's clock is no `StubClock`.
        DrainLimitError: after `limit` attempts the queue is not empty.
        DatabaseError: this thread is inside `queue.transaction()`.
        TaskFailedError: a command failed, and `raise_errors` is on.
    """
    clock = movable(queue) if with_scheduled else None
    ran: list[Ran] = []
    with StandIn(queue) as stand_in:
        for one in _attempts(queue, stand_in, clock):
            ran.append(one)
            if raise_errors and one.error is not None:
                raise one.error
            if len(ran) >= limit and not _is_done(queue, with_scheduled=with_scheduled):
                raise DrainLimitError(limit, ran)
    return _drained(queue, ran)


def movable(queue: TaskQueue) -> StubClock:
    """The clock of a queue, if it is one that can be moved.

    Raises:
        ConfigurationError: it is not.
    """
    if isinstance(queue.clock, StubClock):
        return queue.clock
    raise ConfigurationError(
        f"the queue's clock, a {type(queue.clock).__name__}, cannot be moved to what is scheduled",
        hint="Give the queue a StubClock: TaskQueue(path, clock=StubClock()), or `isolated`.",
    )


def _attempts(queue: TaskQueue, stand_in: StandIn, clock: StubClock | None) -> Iterator[Ran]:
    yield from stand_in.attempts()
    while clock is not None:
        with queue.database.reading() as transaction:
            due = look(transaction).next_due
        if due is None or due - clock.now() >= LONGEST:  # it waits for an event, and for ever
            return
        clock.advance(max(due, clock.now()) - clock.now())
        yield from stand_in.attempts()


def _is_done(queue: TaskQueue, *, with_scheduled: bool) -> bool:
    counts = queue.counts()
    return not counts[Status.PENDING] and not (with_scheduled and counts[Status.SCHEDULED])


def _drained(queue: TaskQueue, ran: Sequence[Ran]) -> Drained:
    ids = list(dict.fromkeys(one.ended.lease.task_id for one in ran))
    with queue.database.reading() as transaction:
        found = {task.id: task for task in reads.get_many(transaction, ids, source=queue)}
    return Drained(
        Counter(NAMES[type(one.ended.outcome)] for one in ran),
        [found[task_id] for task_id in ids],
        [one.error for one in ran if one.error is not None],
    )
