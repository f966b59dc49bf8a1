"""A closed database takes nothing, whoever has it open, and as often as it is closed."""

from datetime import UTC, datetime, timedelta

import pytest

from jobrunner.core.errors import DatabaseMovedError
from jobrunner.core.outcome import Completed
from jobrunner.storage import closed, migrate, moves
from jobrunner.storage.moves import DRAINING, MOVED, MOVING, TO, Move

MOVE = Move("m1", "the new, 100% 'quoted' :place", MOVING)


def shut(store):
    store.write(closed.close, MOVE, now=store.now)


def test_a_closed_database_takes_no_new_task_and_no_worker(store):
    shut(store)
    with pytest.raises(DatabaseMovedError):
        store.add()
    with pytest.raises(DatabaseMovedError):
        store.worker("late")
    store.write(closed.reopen)
    store.worker("late")
    assert store.add()


def test_what_was_opened_again_is_closed_as_well_as_the_first_time(store):
    until = datetime.now(UTC) + timedelta(hours=1)
    store.add()
    for _ in range(2):
        store.write(closed.drain, MOVE._replace(status=DRAINING), until=until)
        assert store.claim() == []
        shut(store)
        with pytest.raises(DatabaseMovedError):
            store.add()
        store.write(closed.reopen)
        store.add()
    store.worker("late")
    assert len(store.claim("late")) == 3


def test_a_closed_database_is_not_opened_and_names_the_new_one(store):
    migrate.ensure(store.database)
    shut(store)
    with pytest.raises(DatabaseMovedError, match="is being moved to the new, 100% 'q") as told:
        migrate.ensure(store.database)
    assert "--reopen" in told.value.hint
    store.write(moves.note, TO, MOVE._replace(status=MOVED))
    with pytest.raises(DatabaseMovedError, match="was moved to the new, 100% 'q") as told:
        migrate.ensure(store.database)
    assert told.value.hint == f"Use --db {MOVE.place}."
    store.write(closed.reopen)
    migrate.ensure(store.database)


def test_while_it_drains_nothing_is_claimed_and_all_else_goes_on(store):
    store.add()
    lease = store.claim_one()
    store.add()
    until = datetime.now(UTC) + timedelta(hours=1)
    store.write(closed.drain, MOVE._replace(status=DRAINING), until=until)
    migrate.ensure(store.database)
    assert store.claim() == []
    assert store.read(closed.running) == 1
    store.settle(lease, Completed())
    store.add()
    assert store.read(closed.running) == 0
    store.write(closed.reopen)
    assert len(store.claim()) == 2


def test_a_mover_that_was_killed_while_it_waited_holds_nobody_up_for_long(store):
    store.add()
    until = datetime.now(UTC) - timedelta(seconds=1)
    store.write(closed.drain, MOVE._replace(status=DRAINING), until=until)
    assert len(store.claim()) == 1
