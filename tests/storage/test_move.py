"""Every row of every table arrives, and what is closed stays closed to everybody."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from jobrunner.core.errors import DatabaseError, DatabaseMovedError, MoveError
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed
from jobrunner.storage import checksum, closed, migrate, move, moves, progress
from jobrunner.storage.engine import Database
from jobrunner.storage.moves import FROM, MOVED, MOVING, TO, Move
from jobrunner.storage.tables import metadata
from tests.databases import on_a_file
from tests.storage.everything import fill_others

MOVE = Move("m1", "the new, 100% 'quoted' :place", MOVING)
TABLES = [table.name for table in metadata.sorted_tables]


MEDDLING = {
    False: [
        "CREATE TRIGGER meddle AFTER INSERT ON tasks BEGIN UPDATE tasks SET queue = 'x'; END",
    ],
    True: [
        (
            "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN NEW.queue = 'x'; RETURN NEW; END $$"
        ),
        "CREATE TRIGGER meddle BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION meddle()",
    ],
}
"""What alters rows as they arrive, in a file and on a server."""


@pytest.fixture(params=["to a file", "to a server"])
def target(request, server, tmp_path, make_store):
    """An empty place."""
    if request.param == "to a file":
        database = Database(tmp_path / "target.db")
        migrate.upgrade(database)
        yield make_store(database)
        database.close()
        return
    with server.database() as url:
        database = Database(url)
        yield make_store(database)
        database.close()


@pytest.fixture
def full(store):
    """A store with rows of many kinds in every table, whose newest task is gone."""
    store.worker("Ädä — 2")
    store.worker("_")
    parent = store.add(description="'q' % :name \\ \N{SNOWMAN}", timeout=timedelta(seconds=1.5))
    store.add(after=(parent,), args=("☃" * 300,), kwargs={"long": "%s" * 200})
    store.add(after_any=(parent,), delay=timedelta(days=1))
    bad = store.add(priority=-(2**31), command=("true", "%s"), max_attempts=1)
    for task_id, outcome in ((parent, Completed('"ok"')), (bad, Failed("ouch", "\ttrace\n"))):
        store.sql("UPDATE tasks SET priority = 2000000000 WHERE id = :id", id=task_id)
        lease = store.claim_one()
        values = {"done": 0.1, "total": 1e300, "note": None, "checkpoint": "[1]"}
        assert store.write(progress.save, task_id, lease.token, now=store.now, **values)
        store.settle(lease, outcome)
    store.sql("DELETE FROM tasks WHERE id = :id", id=store.add())
    fill_others(store)
    return store


def fill(source, target, *, name="m1"):
    with target.database.writing(rebuilds=True) as transaction:
        arriving = Move(name, "the old place", MOVED)
        return move.fill(transaction, source.database, arriving, name="new", show=lambda _: None)


def shut(store, *, status=MOVING):
    store.write(closed.close, MOVE._replace(status=status), now=store.now)


def contents(store):
    return {name: sorted(map(repr, store.sql(f"SELECT * FROM {name}"))) for name in TABLES}  # noqa: S608


def test_every_row_of_every_table_arrives_as_it_is(full, target):
    sent = fill(full, target)
    assert [one.table for one in sent] == TABLES
    assert all(one.rows for one in sent)
    assert contents(target) == contents(full)
    assert target.problems() == []


def test_the_checksums_are_the_same_on_the_way_back(full, target):
    there = fill(full, target)
    assert fill(target, full, name="m2") == there


def test_thousands_of_rows_go_in_parts(store, target):
    ids = store.enqueue(*[NewTask(function="work", priority=n % 7) for n in range(3_000)])
    store.enqueue(*[NewTask(function="work", after=(parent,)) for parent in ids[:1_001]])
    seen = []
    with target.database.writing(rebuilds=True) as transaction:
        move.fill(transaction, store.database, MOVE, name="new", show=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == store.read(move.count) == 3_000 + 2 * 1_001 + 1
    assert contents(target) == contents(store)


def test_large_rows_go_few_at_a_time(store, target, monkeypatch):
    """Each of 24 rows is as large as all that may go at once."""
    monkeypatch.setattr(checksum, "CHUNK_SIZE", 10_000)
    store.enqueue(*[NewTask(function="work", args=["a" * 10_000]) for _ in range(24)])
    with store.database.reading() as transaction:
        parts = list(checksum.chunks(transaction, metadata.tables["payloads"]))
    assert [len(part) for part in parts] == [1] * 24
    fill(store, target)
    assert contents(target) == contents(store)


def test_a_number_is_the_same_in_both_whatever_its_sign(store, target):
    store.add()
    lease = store.claim_one()
    values = {"done": -0.0, "total": -0.0, "note": None, "checkpoint": None}
    assert store.write(progress.save, lease.task_id, lease.token, now=store.now, **values)
    fill(store, target)
    assert target.sql("SELECT done, total FROM progress") == [(0.0, 0.0)]


@on_a_file
def test_a_table_of_somebody_that_refers_to_tasks_is_left_as_it_is(store, server, make_store):
    store.add()
    with server.database() as url:
        target = make_store(Database(url))
        target.sql("CREATE TABLE mine (task bigint REFERENCES tasks ON DELETE CASCADE)")
        fill(store, target)
        target.sql("INSERT INTO mine SELECT id FROM tasks")
        with pytest.raises(
            DatabaseError, match=r"^the database new has a table of yours that"
        ) as told:
            fill(store, target)
        assert "foreign key" in told.value.hint
        assert target.sql("SELECT count(*) FROM mine") == [(1,)]
        target.database.close()


def test_no_id_that_was_ever_given_out_is_given_out_again(full, target):
    fill(full, target)
    assert target.add() == full.add()
    assert [target.claim_one().task_id, full.claim_one().task_id]


def test_rows_that_change_on_arrival_are_found_and_nothing_is_kept(full, target):
    for words in MEDDLING[target.database.path is None]:
        target.sql(words)
    with pytest.raises(MoveError, match="the table tasks did not arrive in new as it was sent"):
        fill(full, target)
    assert not any(contents(target).values())
    assert target.read(moves.find, FROM) is None


@on_a_file
def test_a_row_that_the_target_does_not_take_is_told(store, server):
    store.add()
    store.sql("UPDATE tasks SET description = 'a' || char(0)")
    with server.database() as url:
        target = Database(url)
        with (
            pytest.raises(DatabaseError, match=r"does not take a row of tasks: .*NUL"),
            target.writing(rebuilds=True) as transaction,
        ):
            move.fill(transaction, store.database, MOVE, name="new", show=lambda _: None)
        target.close()


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {0} SET {1} = {1}"])
def test_a_closed_database_takes_no_change_of_any_table(full, name, change):
    shut(full)
    column = metadata.tables[name].c.keys()[-1]
    with pytest.raises(DatabaseMovedError, match="is being moved to the new, 100% 'q"):
        full.sql(change.format(name, column))
    full.write(closed.reopen)


def test_only_an_empty_place_takes_a_queue(store, target):
    def refused():
        with target.database.reading() as there, store.database.reading() as here:
            move.refuse_occupied(there, "there", source=here)

    refused()
    target.worker("somebody")
    with pytest.raises(DatabaseError, match="there is not empty: it has rows in workers"):
        refused()


def test_the_place_that_a_queue_came_from_takes_it_back_and_no_other_place_does(store, target):
    def refused():
        with target.database.reading() as there, store.database.reading() as here:
            move.refuse_occupied(there, "there", source=here)

    target.add()
    shut(target, status=MOVED)
    with pytest.raises(DatabaseError, match="there has been moved itself, to the new, 100%"):
        refused()
    store.write(moves.note, FROM, MOVE._replace(status=MOVED))
    refused()
    fill(store, target)
    assert target.sql("SELECT count(*) FROM tasks") == [(0,)]
    target.add()


def test_a_move_leaves_no_table_in_a_schema_that_has_not_moved(store):
    with store.database.reading() as transaction:
        assert moves.find(transaction, TO) is None
        with pytest.raises(Exception, match=moves.moves.name):
            transaction.execute(text(f"SELECT * FROM {moves.moves.name}"))  # noqa: S608
