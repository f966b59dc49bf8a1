"""Of two places one is open at most, whoever else moves, opens again or reads meanwhile."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from jobrunner.core.errors import ConflictError, DatabaseError, DatabaseMovedError
from jobrunner.core.status import Status
from jobrunner.runtime import moving
from jobrunner.runtime.moving import Mover
from jobrunner.storage import closed, moves, trouble
from jobrunner.storage.engine import Database
from jobrunner.storage.moves import TO
from tests.databases import on_a_server
from tests.runtime import functions as f
from tests.runtime.support import PATIENCE, until


@pytest.fixture
def there(tmp_path):
    """A place that is not there yet."""
    database = Database(tmp_path / "there.db")
    yield database
    database.close()


@pytest.fixture
def impatient(queue, location):
    """The queue's database on a server, for who waits for no lock."""
    database = Database(f"{location}&options=-c%20lock_timeout%3D50ms")
    yield database
    database.close()


@pytest.fixture
def busy(queue, server):
    """A session that has written and may go on."""
    with server.connection(queue.database.url.database) as connection:
        connection.autocommit = False
        connection.execute("LOCK TABLE workers IN ROW EXCLUSIVE MODE")
        yield connection


class Opener(threading.Thread):
    """Opens a place again; lets others wait until it has looked what there is to open."""

    def __init__(self, database, monkeypatch):
        super().__init__(daemon=True)
        self.told = None
        self._database = database
        self._looked = threading.Event()
        self._find = moves.find
        monkeypatch.setattr(moves, "find", self._found)

    def _found(self, transaction, direction):
        known = self._find(transaction, direction)
        if threading.current_thread() is self:
            self._looked.set()
        return known

    def run(self):
        try:
            self.told = moving.reopen(self._database)
        except DatabaseMovedError as error:
            self.told = error

    def start_and_look(self):
        self.start()
        assert self._looked.wait(PATIENCE)


def test_a_place_is_not_opened_again_by_who_asked_before_its_move_arrived(
    queue, there, monkeypatch
):
    mover = Mover(queue.database, there, clock=queue.clock)
    opener = Opener(queue.database, monkeypatch)
    finish = mover._finish

    def finish_late(transaction):
        finish(transaction)
        opener.start_and_look()

    monkeypatch.setattr(mover, "_finish", finish_late)
    with mover.closed(drain=False):
        mover.transfer(lambda _: None)
    opener.join(PATIENCE)
    assert isinstance(opener.told, DatabaseMovedError)
    with pytest.raises(DatabaseMovedError, match="was moved to"):
        queue.enqueue(f.add.bind(1, 1))


@on_a_server
@pytest.mark.parametrize("step", ["hold", "close", "finish", "undo", "reopen"])
def test_every_step_of_a_move_waits_for_those_of_others(impatient, busy, there, queue, step):
    mover = Mover(impatient, there, clock=queue.clock)

    def finish():
        with impatient.writing() as transaction:
            mover._finish(transaction)

    steps = {
        "hold": mover._hold,
        "close": lambda: mover._close(drain=True),
        "finish": finish,
        "undo": mover._undo,
        "reopen": lambda: moving.reopen(impatient),
    }
    with pytest.raises(DatabaseError, match="is locked by another session"):
        steps[step]()


def test_a_move_that_fails_beside_a_reader_opens_the_old_place_again(queue, there):
    queue.enqueue(f.add.bind(1, 1))
    with queue.database.reading() as reader:
        reader.execute(text("SELECT count(*) FROM tasks")).all()
        with (
            pytest.raises(ZeroDivisionError),
            Mover(queue.database, there, clock=queue.clock).closed(drain=False),
        ):
            raise ZeroDivisionError
        assert queue.enqueue(f.add.bind(1, 1)).id == 2


def test_a_place_that_stays_closed_after_a_failure_is_named(queue, there, monkeypatch):
    def fail(_transaction):
        raise DatabaseError("no luck")

    def move():
        with Mover(queue.database, there, clock=queue.clock).closed(drain=False):
            patch.setattr(closed, "reopen", fail)
            raise DatabaseError("first trouble", hint="Nothing was changed.")

    with (
        monkeypatch.context() as patch,
        pytest.raises(
            DatabaseError, match=r"^first trouble; and .* still closed: no luck$"
        ) as told,
    ):
        move()
    assert "db move --reopen" in told.value.hint
    assert moving.reopen(queue.database) == there.name


def test_a_second_run_of_a_move_that_arrives_meanwhile_is_told_so(queue, there):
    queue.enqueue(f.add.bind(1, 1))
    first, second = (Mover(queue.database, there, clock=queue.clock) for _ in range(2))
    with first.closed(drain=False), second.closed(drain=False):
        moved = {table.table: table.rows for table in first.transfer(lambda _: None)}
        assert moved["tasks"] == 1
        assert second.transfer(lambda _: None) == []
    with queue.database.reading() as transaction:
        assert moves.find(transaction, TO).status == moves.MOVED


def test_a_move_that_was_undone_is_not_finished_by_its_second_run(queue, there):
    first, second = (Mover(queue.database, there, clock=queue.clock) for _ in range(2))
    with first.closed(drain=False), second.closed(drain=False):
        moving.reopen(queue.database)
        with pytest.raises(DatabaseError, match="was opened again meanwhile"):
            second.transfer(lambda _: None)
    assert queue.enqueue(f.add.bind(1, 1)).status is Status.PENDING


@on_a_server
def test_who_drains_goes_on_waiting_for_another_program(queue, impatient, busy, there, monkeypatch):
    is_in_use = closed.is_in_use

    def release(error):
        answer = is_in_use(error)
        busy.rollback()
        return answer

    mover = Mover(impatient, there, clock=queue.clock)
    with (
        pytest.raises(DatabaseError, match="is locked by another session"),
        mover.closed(drain=False),
    ):
        pass
    monkeypatch.setattr(closed, "is_in_use", release)
    with Mover(impatient, there, clock=queue.clock).closed(drain=True):
        pass


def test_others_in_the_way_are_no_failure():
    locked = OperationalError("BEGIN", None, LockedError())
    told = trouble.explain(locked, "jobs.db")
    told.__cause__ = locked
    assert closed.is_in_use(told)
    assert closed.is_in_use(ConflictError("in each other's way"))
    assert not closed.is_in_use(DatabaseError("else"))


class LockedError(Exception):
    """What SQLite's driver raises where somebody else has the file."""

    sqlite_errorcode = 5


@on_a_server
def test_who_has_written_a_worker_may_write_its_tasks_beside_a_mover(queue, busy):
    def lock():
        with queue.database.writing() as transaction:
            closed.lock(transaction, "SHARE ROW EXCLUSIVE")

    def waits():
        with queue.database.reading() as transaction:
            return transaction.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))

    mover = threading.Thread(target=lock, daemon=True)
    mover.start()
    until(queue, waits)
    busy.execute("LOCK TABLE tasks IN ROW EXCLUSIVE MODE NOWAIT")
    busy.commit()
    mover.join(PATIENCE)
    assert not mover.is_alive()
