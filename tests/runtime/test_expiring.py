"""Workers end what has expired before they claim, sweeps while nobody claims, and both tell it."""

from datetime import timedelta

from jobrunner import Worker
from jobrunner.core.events import DependentCancelled, TaskExpired, TaskStarted
from jobrunner.runtime import maintenance as sweeps
from jobrunner.runtime.settler import Settler, Want
from jobrunner.storage import workers
from tests.runtime.support import FakeClock, register_ada


def test_the_turn_that_would_claim_it_ends_it(queue):
    clock = FakeClock()
    queue.clock = clock
    ada = register_ada(queue, clock).id
    parent = queue.enqueue(queue.new_task("add", args=[1, 2], expires_in=60))
    child = queue.enqueue(queue.new_task("add", args=[1, 2], after=[parent]))
    lasting = queue.enqueue(queue.new_task("add", args=[1, 2], expires_in=120))
    clock.later(61)
    turn = Settler(queue.database, ada, clock).turn([], [Want((), 5)])
    assert [lease.task_id for lease in turn.leases] == [lasting.id]
    assert [task_id for task_id, _ in turn.settlement.expired] == [parent.id]
    assert turn.settlement.cancelled_dependents == [(child.id, parent.id)]


def test_an_idle_turn_knows_when_the_next_expires(queue):
    clock = FakeClock()
    queue.clock = clock
    ada = register_ada(queue, clock).id
    queue.enqueue(queue.new_task("add", args=[1, 2], delay=30, expires_in=60))
    queue.enqueue(queue.new_task("add", args=[1, 2], delay=90, expires_in=100))
    settler = Settler(queue.database, ada, clock)
    assert settler.turn([], [Want((), 5)]).next_due == clock.now() + timedelta(seconds=30)


def test_it_is_told(queue, events):
    late = queue.enqueue(queue.new_task("add", args=[1, 2], expires_in=1e-6))
    below = queue.enqueue(queue.new_task("add", args=[1, 2], after=[late]))
    Worker(queue, concurrency=1).run(until_empty=True)
    (told,) = events.of(TaskExpired)
    assert (told.task_id, told.error) == (late.id, queue.get(late.id).error)
    assert events.of(DependentCancelled) == [DependentCancelled(below.id, late.id)]
    assert events.of(TaskStarted) == []


def test_a_sweep_ends_it_where_nobody_claims(queue, events):
    clock = FakeClock()
    queue.clock = clock
    late = queue.enqueue(queue.new_task("add", args=[1, 2], expires_in=60))
    keeper = sweeps.Maintenance(
        queue.database, Deaf(), clock=clock, emit=events, lost_after=10_000.0
    )
    for passed in (30, 31):
        clock.later(passed)
        keeper.sweep()
    assert queue.get(late.id).status == "cancelled"
    assert [event.task_id for event in events.of(TaskExpired)] == [late.id]
    with queue.database.reading() as transaction:
        assert workers.alive(transaction) == []


class Deaf:
    """Nobody lives, nobody has died."""

    def dead(self):
        return set()

    def prune(self, living):
        """Nothing to see to."""
