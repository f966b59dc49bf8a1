"""Statements run for thousands of rows: compiled once, their values handed over as they are."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Insert, Update

Row = Mapping[str, Any]


class Prepared:
    """An INSERT or UPDATE for many rows at once.

    SQLAlchemy's own `executemany` looks at every value of every row, which for a fast worker
    costs more than the database. Here the statement is compiled once for each dialect, and
    values must be such as the driver takes: moments and spans as microseconds.
    """

    def __init__(self, statement: Insert | Update, columns: Sequence[str] | None = None) -> None:
        """`columns` names the columns of an INSERT that rows give values for."""
        self._statement = statement
        self._columns = columns
        self._compiled: dict[str, tuple[str, Callable[[Row], Any]]] = {}

    def run(self, transaction: Connection, rows: Sequence[Row]) -> int:
        """Execute for each row; returns how many rows of the table were touched in all."""
        if not rows:
            return 0
        dialect = transaction.dialect
        if dialect.name not in self._compiled:
            compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._columns)
            order: list[str] = compiled.positiontup
            shape: Callable[[Row], Any] = itemgetter(*order) if order else dict
            self._compiled[dialect.name] = (str(compiled), shape)
        text, shape = self._compiled[dialect.name]
        return transaction.exec_driver_sql(text, [shape(row) for row in rows]).rowcount
