"""What the database would do for each statement of a call, and which steps read a whole table."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, NamedTuple

from psycopg._queries import PostgresQuery
from psycopg.adapt import Transformer
from sqlalchemy import event

from jobrunner.storage.tables import metadata
from tests.storage.conftest import Store

OF_WHAT_GOES_ON: Final = {
    index.name
    for table in metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None and index.name != "ix_tasks_finished"
}
"""Indexes whose rows leave them again: to walk one from end to end is no walk over history."""

RULES: Final = {"queues", "event_hooks"}
"""Tables of what people have set, a handful of rows, whatever there is of tasks."""

READS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
SORT: Final = "a sort"
_SQLITE: Final = re.compile(
    r"(?:SCAN|SEARCH) (?P<table>[a-z]+)(?:_\d+)?(?: USING (?:COVERING )?"
    r"(?:INDEX (?P<index>\w+)|(?P<key>[A-Z ]*PRIMARY KEY)))?(?: \((?P<by>.*)\))?(?: LEFT-JOIN)?$"
)


class Step(NamedTuple):
    """A look at a table: by an index, with what it looks for in it; or a sort."""

    table: str
    index: str | None = None
    by: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it reads a table from end to end, or one of its ends on."""
        is_one = self.table in metadata.tables.keys() - RULES
        return is_one and not self.by and self.index not in OF_WHAT_GOES_ON


class Planned(NamedTuple):
    """A statement, and the steps of its plan."""

    statement: str
    steps: list[Step]


class UndoneError(Exception):
    """The database is to stay as it was."""


def plans(
    store: Store,
    call: Callable[..., Any],
    *args: Any,
    keep: bool = True,
    could: bool = False,
    **options: Any,
) -> list[Planned]:
    """Make a call in a transaction of its own and look at all that it executes.

    A server plans for any values, as it does once a statement has come a few times. Few rows it
    reads whole: `could` asks for what it would do if there were more.
    """
    planned: list[Planned] = []

    def called(transaction: Any) -> None:
        found = call(transaction, *args, **options)
        if hasattr(found, "__next__"):
            list(found)
        if not keep:
            raise UndoneError

    engine = store.database._writer
    look = partial(_look, planned, could)
    event.listen(engine, "before_cursor_execute", look)
    try:
        store.write(called)
    except UndoneError:
        pass
    finally:
        event.remove(engine, "before_cursor_execute", look)
    assert planned
    return planned


def _look(
    planned: list[Planned],
    could: bool,  # noqa: FBT001
    connection: Any,
    _cursor: object,
    statement: str,
    parameters: Any,
    _: object,
    many: Any,
) -> None:
    if not statement.lstrip().startswith(READS):
        return
    first = parameters[0] if many else parameters
    if connection.dialect.name == "sqlite":
        steps = _in_a_file(connection, statement, first)
    else:
        driver = connection.connection.driver_connection
        steps = _on_a_server(driver, statement, first, could=could)
    planned.append(Planned(statement, list(steps)))


def _in_a_file(connection: Any, statement: str, values: Any) -> Iterator[Step]:
    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
        if "TEMP B-TREE" in row.detail:
            yield Step(SORT)
        elif found := _SQLITE.match(row.detail):
            yield Step(found["table"], found["index"] or found["key"], found["by"])


def _on_a_server(driver: Any, statement: str, values: Any, *, could: bool) -> Iterator[Step]:
    """Prepare a statement as the driver does, and have it planned without its values."""
    query = PostgresQuery(Transformer(driver))
    query.convert(statement, values)
    kinds = [_name(driver, oid) for oid in query.types]
    signature = f"({', '.join(kinds)})" if kinds else ""
    nothing = f"({', '.join(['NULL'] * len(kinds))})" if kinds else ""
    driver.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    for way in ("seqscan", "bitmapscan") if could else ():
        driver.execute(f"SET LOCAL enable_{way} = off")
    driver.execute(f"PREPARE planned {signature} AS ".encode() + query.query)
    ((plan,),) = driver.execute(f"EXPLAIN (FORMAT JSON) EXECUTE planned {nothing}").fetchone()
    driver.execute("DEALLOCATE planned")
    return _walked(plan["Plan"], "")


def _name(driver: Any, oid: int) -> str:
    """What a type that the driver gives a value is called; `unknown` where it gives none."""
    if not oid:
        return "unknown"
    info = driver.adapters.types[oid]
    return info.name if oid == info.oid else f"{info.name}[]"


def _walked(node: dict[str, Any], above: str) -> Iterator[Step]:
    kind, table = node["Node Type"], node.get("Relation Name", above)
    if kind.endswith("Sort"):
        yield Step(SORT)
    elif kind in {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan"}:
        yield Step(table, node.get("Index Name"), node.get("Index Cond"))
    for below in node.get("Plans", ()):
        yield from _walked(below, table)
