"""What SQLite would do for each statement of a call, and which of its steps read a whole table."""

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import event

from tests.storage.conftest import Store

TABLES = ("tasks", "attempts", "dependencies", "progress", "workers")


class Planned(NamedTuple):
    """A statement, and its plan, a line a step."""

    statement: str
    steps: list[str]


class UndoneError(Exception):
    """The database is to stay as it was."""


def plans(
    store: Store, call: Callable[..., Any], *args: Any, keep: bool = True, **options: Any
) -> list[Planned]:
    """Make a call in a transaction of its own and look at all that it executes."""
    planned: list[Planned] = []

    def look(
        connection: Any, _cursor: object, statement: str, parameters: Any, _: object, many: Any
    ) -> None:
        if "EXPLAIN" in statement or statement.startswith(("BEGIN", "PRAGMA")):
            return
        first = parameters[0] if many else parameters
        explained = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", first)
        planned.append(Planned(statement, [row.detail for row in explained]))

    def called(transaction: Any) -> None:
        found = call(transaction, *args, **options)
        if hasattr(found, "__next__"):
            list(found)
        if not keep:
            raise UndoneError

    engine = store.database._writer
    event.listen(engine, "before_cursor_execute", look)
    try:
        store.write(called)
    except UndoneError:
        pass
    finally:
        event.remove(engine, "before_cursor_execute", look)
    assert planned
    return planned


def scans(steps: list[str]) -> list[str]:
    """Steps that read a whole table. A scan of a partial index reads only what it is for."""
    return [
        step
        for step in steps
        if step.startswith(tuple(f"SCAN {table}" for table in TABLES)) and "INDEX" not in step
    ]
