"""One transaction a turn: settle, claim, and an unknown COMMIT that is looked up, not repeated."""

import contextlib

import pytest

from jobrunner import NewTask
from jobrunner.core.errors import CommitUnknownError, DatabaseError
from jobrunner.core.outcome import Completed, Ended
from jobrunner.core.status import Status
from jobrunner.runtime import settler as settlers
from jobrunner.runtime.settler import Settler, Want
from jobrunner.storage.types import micros
from tests.runtime.support import FakeClock, outcomes, register_ada

ONE = [Want((), 1)]
NONE: list[Want] = []


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def settler(queue, clock):
    info = register_ada(queue, clock)
    return Settler(queue.database, info.id, clock)


@pytest.fixture
def enqueue(queue):
    def enqueue(count, **fields):
        return queue.enqueue_many([NewTask(function="add", **fields) for _ in range(count)])

    return enqueue


def ended(lease, clock):
    return Ended(lease, Completed("1"), micros(clock.now()), micros(clock.now()))


@pytest.fixture
def doubtful(queue, monkeypatch):
    """Let the next writing transactions raise: after their COMMIT, or before they begin."""

    def break_down(*, committed, times=1):
        writing = queue.database.writing
        left = [times]

        @contextlib.contextmanager
        def breaking(**how):
            if not left[0]:
                with writing(**how) as transaction:
                    yield transaction
                return
            left[0] -= 1
            if not committed:
                raise DatabaseError("the database is locked")
            with writing(**how) as transaction:
                yield transaction
            raise CommitUnknownError("the COMMIT may have worked")

        monkeypatch.setattr(queue.database, "writing", breaking)

    return break_down


def test_a_turn_settles_and_claims_in_one_transaction(queue, settler, enqueue, clock):
    first, second = enqueue(2)
    (lease,) = settler.turn([], ONE).leases
    assert lease.task_id == first.id
    turn = settler.turn([ended(lease, clock)], ONE)
    assert [settled.ended.lease.task_id for settled in turn.settlement.settled] == [first.id]
    assert [lease.task_id for lease in turn.leases] == [second.id]
    assert not turn.drained
    assert settler.turn([], ONE).drained


def test_others_get_to_work_after_the_settlement_and_before_the_claim(
    settler, enqueue, clock, monkeypatch
):
    enqueue(2)
    (lease,) = settler.turn([], ONE).leases
    steps: list[str] = []
    for name in ("settle", "claim"):
        call = getattr(settlers, name)

        def noting(*values, name=name, call=call, **named):
            steps.append(name)
            return call(*values, **named)

        monkeypatch.setattr(settlers, name, noting)
    settler.turn([ended(lease, clock)], ONE, lambda: steps.append("others"))
    assert steps[:3] == ["settle", "others", "claim"]


@pytest.mark.parametrize("wants", [ONE, NONE])
def test_others_get_to_work_whatever_becomes_of_a_transaction(settler, doubtful, wants):
    calls: list[int] = []
    settler.turn([], wants, lambda: calls.append(1))
    assert calls
    doubtful(committed=False)
    with pytest.raises(DatabaseError):
        settler.turn([], wants, lambda: calls.append(2))
    assert calls[-1] == 2


def test_a_claim_whose_commit_is_unknown_is_found_again(queue, settler, enqueue, doubtful):
    (task,) = enqueue(1)
    doubtful(committed=True)
    with pytest.raises(DatabaseError):
        settler.turn([], ONE)
    assert queue.get(task.id).status is Status.IN_PROGRESS
    assert [lease.task_id for lease in settler.turn([], ONE).leases] == [task.id]


def test_a_claim_is_found_again_after_several_turns_of_trouble(queue, settler, enqueue, doubtful):
    tasks = enqueue(3)
    doubtful(committed=True, times=2)
    for _ in range(2):
        with pytest.raises(DatabaseError):
            settler.turn([], ONE)
    doubtful(committed=False, times=2)
    for _ in range(2):
        with pytest.raises(DatabaseError):
            settler.turn([], ONE)
    found = settler.turn([], ONE)
    assert [lease.task_id for lease in found.leases] == [tasks[0].id]
    assert not found.drained


def test_what_a_doubtful_commit_has_claimed_takes_the_room_of_a_new_claim(
    settler, enqueue, doubtful
):
    tasks = enqueue(3)
    doubtful(committed=True)
    with pytest.raises(DatabaseError):
        settler.turn([], ONE)
    assert settler.in_doubt
    taken = [settler.turn([], ONE).leases for _ in range(2)]
    assert [lease.task_id for (lease,) in taken] == [task.id for task in tasks[:2]]
    assert not settler.in_doubt


def test_an_outcome_whose_commit_is_unknown_is_settled_once(
    queue, settler, enqueue, clock, doubtful
):
    (task,) = enqueue(1)
    (lease,) = settler.turn([], ONE).leases
    doubtful(committed=True)
    with pytest.raises(DatabaseError):
        settler.turn([ended(lease, clock)], NONE)
    turn = settler.turn([ended(lease, clock)], NONE)
    assert turn.settlement.refused == []
    assert outcomes(queue, task.id) == ["completed"]


def test_an_outcome_that_was_not_stored_is_stored_by_the_next_turn(
    queue, settler, enqueue, clock, doubtful
):
    (task,) = enqueue(1)
    (lease,) = settler.turn([], ONE).leases
    doubtful(committed=False)
    with pytest.raises(DatabaseError):
        settler.turn([ended(lease, clock)], NONE)
    assert len(settler.turn([ended(lease, clock)], NONE).settlement.settled) == 1
    assert outcomes(queue, task.id) == ["completed"]


@pytest.mark.parametrize(
    ("free", "ahead"), [(1, 0), (4, 0), (10, 0), (2, 18), (2, 98), (0, 50)], ids=str
)
def test_under_a_flood_one_claim_in_ten_goes_to_who_waits_longest(
    queue, settler, enqueue, clock, free, ahead
):
    low = {task.id for task in enqueue(100, priority=-5)}
    enqueue(1000, priority=10)
    taken = []
    while len(taken) < 600:
        turn = settler.turn([], [Want((), free, ahead)])
        taken += [lease.task_id for lease in turn.leases]
    share = sum(task_id in low for task_id in taken) / len(taken)
    assert 0.08 <= share <= 0.11


def test_ageing_takes_nothing_from_a_single_priority(queue, settler, enqueue):
    tasks = enqueue(100)
    taken = []
    for _ in range(10):
        taken += [lease.task_id for lease in settler.turn([], [Want((), 10)]).leases]
    assert taken == [task.id for task in tasks]


def test_a_task_that_has_crashed_is_never_claimed_ahead(queue, settler, enqueue):
    from sqlalchemy import text

    tasks = enqueue(3)
    with queue.transaction() as transaction:
        transaction.execute(text("UPDATE tasks SET crashes = 1 WHERE id = 1"))
    taken = settler.turn([], [Want((), 0, 3)]).leases
    assert [lease.task_id for lease in taken] == [task.id for task in tasks[1:]]
    assert [lease.task_id for lease in settler.turn([], [Want((), 1, 3)]).leases] == [tasks[0].id]


def test_each_want_takes_from_its_own_queues(queue, settler, enqueue):
    enqueue(3, queue="a")
    enqueue(3, queue="b")
    turn = settler.turn([], [Want(("a",), 1), Want(("b", "c"), 2)])
    assert sorted(lease.queue for lease in turn.leases) == ["a", "b", "b"]


def test_a_turn_says_when_the_next_task_is_due(queue, settler, enqueue, clock):
    from datetime import timedelta

    due = clock.now() + timedelta(days=30_000)
    enqueue(1, run_at=due)
    assert settler.turn([], ONE).next_due == due
