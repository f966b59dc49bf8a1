"""Many rows go in few statements, and none of them is too large for a server."""

import pytest

from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed
from jobrunner.core.task import Token
from jobrunner.storage import prepared, settle
from jobrunner.storage.prepared import ONCE_FROM, Insert
from jobrunner.storage.tables import dependencies, progress, workers
from tests.databases import on_a_server

COLUMNS = [column.name for column in workers.c if not column.nullable]
TEXTS = ("boot_id", "executor", "crew")


def row(number, *, host="here"):
    texts = {"id": f"w{number}", "host": host, "status": "running", "queues": "[]"}
    return tuple(texts.get(name, "x" if name in TEXTS else 1) for name in COLUMNS)


def statements(database, rows):
    with database.reading() as transaction:
        return list(Insert(workers, COLUMNS)._rows.statements(transaction, rows))


@on_a_server
@pytest.mark.parametrize(("count", "expected"), [(1, 1), (2_000, 1), (2_001, 2)])
def test_small_rows_go_thousands_at_a_time(database, count, expected):
    assert len(statements(database, [row(n) for n in range(count)])) == expected


@on_a_server
def test_large_rows_go_few_at_a_time(database, monkeypatch):
    monkeypatch.setattr(prepared, "AT_ONCE", 100_000)
    rows = [row(n, host="ab"[n % 2] * 30_000) for n in range(20)]
    sent = statements(database, rows)
    assert all(sum(map(len, filter(None, map(str, values)))) < 110_000 for _, values in sent)
    assert len(sent) == 8
    with database.writing() as transaction:
        Insert(workers, COLUMNS).run(transaction, rows)
        found = transaction.exec_driver_sql("SELECT id, host FROM workers").all()
    at = COLUMNS.index("host")
    assert sorted(map(tuple, found)) == sorted((one[0], one[at]) for one in rows)


@on_a_server
def test_one_large_row_goes_with_small_ones_and_what_is_too_large_alone(database, monkeypatch):
    monkeypatch.setattr(prepared, "AT_ONCE", 100_000)
    assert len(statements(database, [row(0, host="a" * 90_000), *map(row, range(1, 100))])) == 1
    assert len(statements(database, [row(0, host="a" * 200_000)])) == 1


@on_a_server
def test_rows_without_text_are_never_too_large(database):
    with database.reading() as transaction:
        insert = Insert(dependencies, ["parent_id", "dependent_id"])
        assert len(list(insert._rows.statements(transaction, [(1, 2)] * 2_000))) == 1


@on_a_server
def test_a_value_that_all_of_many_rows_have_goes_once_and_comes_to_each(database):
    rows = [row(n, host='"a" \\ b') for n in range(ONCE_FROM)]
    ((_, values),) = statements(database, rows)
    assert [value for value in values if str(value).startswith("{")] == [values[-1]]
    ((_, few),) = statements(database, rows[1:])
    assert all(value.startswith("{") for value in few)
    with database.writing() as transaction:
        Insert(workers, COLUMNS).run(transaction, rows)
        found = transaction.exec_driver_sql("SELECT * FROM workers").mappings().all()
    assert sorted(tuple(one[name] for name in COLUMNS) for one in found) == sorted(rows)


@on_a_server
@pytest.mark.parametrize("last", [(0.0, None, None, 1), (-0.0, 2.5, "x", 2)])
def test_many_rows_are_stored_as_they_are_alike_or_not(store, last):
    """NULLs among them, and the two zeros of floats, which are equal."""
    first, *ids = store.enqueue(*[NewTask(function="work")] * ONCE_FROM)
    rows = [(first, *last), *((task_id, 0.0, None, None, 1) for task_id in ids)]
    names = ("task_id", "done", "total", "note", "updated_at")
    store.write(Insert(progress, names).run, rows)
    found = store.sql("SELECT task_id, done, total, note, updated_at FROM progress")
    assert sorted(map(repr, map(tuple, found))) == sorted(map(repr, rows))


def test_of_many_ends_those_are_refused_whose_lease_is_gone(store):
    store.enqueue(*[NewTask(function="work")] * (ONCE_FROM + 1))
    mine, *others = store.claim(limit=ONCE_FROM + 1)
    late = mine._replace(token=Token(99))
    ends = [store.ended(lease, Completed("1")) for lease in (late, *others)]
    settlement = store.settle_all(ends)
    assert [end.lease for end in settlement.refused] == [late]
    assert {end.ended.lease for end in settlement.settled} == set(others)
    assert store.get(mine.task_id).status == "in_progress"
    assert {store.get(lease.task_id).status for lease in others} == {"completed"}


@on_a_server
def test_what_rows_are_found_by_is_never_seen_by_the_planner(database):
    """It would look for the one token of a batch through the whole table."""
    rows = [(n, 7, "completed", 1, 0, 1, 1, 1, None, None) for n in range(ONCE_FROM)]
    with database.reading() as transaction:
        ((text, values),) = settle._SETTLE._rows.statements(transaction, rows)
    assert text.count("[]") == 2
    assert values[-2:] == tuple(
        prepared.array(column, None) for column in list(zip(*rows, strict=True))[:2]
    )
