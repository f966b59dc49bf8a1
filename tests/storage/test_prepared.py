"""Many rows go in few statements, and none of them is too large for a server."""

import pytest

from jobrunner.storage import prepared
from jobrunner.storage.prepared import Insert
from jobrunner.storage.tables import dependencies, workers
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
