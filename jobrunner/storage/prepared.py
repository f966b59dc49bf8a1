"""Statements for many rows at once, their texts made once, their values handed over as they are.

SQLAlchemy's own `executemany` looks at every value of every row, and the driver takes one step
a row, handing the interpreter's lock to and fro: for a fast worker both cost more than the
database. Here one statement carries up to 256 rows, and values must be such as the driver
takes: moments and spans as microseconds, statuses as plain text. NULLs stand in the text: to
bind one, SQLite's drivers first search for an adapter, which takes a microsecond.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from operator import is_
from typing import Any, Final

from sqlalchemy import Connection, Table, Text

MARKS: Final = {"qmark": "?", "format": "%s", "pyformat": "%s"}
"""How a driver's parameter style marks a value by position."""

SIZES: Final = (256, 64, 16, 4, 1)
"""Rows a statement carries: few sizes, so that the driver keeps each of them prepared."""

Row = tuple[Any, ...]

_is_null: Final = partial(is_, None)


class _Rows:
    """A text around a list of rows, `(?, ?), (?, NULL), …`, for any number of them."""

    def __init__(self, before: str, after: str = "", *, kinds: Sequence[str] = ()) -> None:
        """`kinds` are the types of the columns, where nothing else tells the database."""
        self._before = before
        self._after = after
        self._kinds = kinds
        self._texts: dict[tuple[str, int, Row], str] = {}

    def statements(self, style: str, rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
        """Cut `rows` into statements, each a text and its values."""
        alike: dict[Row, list[Row]] = {}
        for row in rows:
            alike.setdefault(tuple(map(_is_null, row)), []).append(row)
        for nulls, group in alike.items():
            at = 0
            for size in SIZES:
                while len(group) - at >= size:
                    some = group[at : at + size]
                    at += size
                    values = tuple([v for row in some for v in row if v is not None])
                    yield self._text(style, size, nulls), values

    def _text(self, style: str, size: int, nulls: Row) -> str:
        key = (style, size, nulls)
        if key not in self._texts:
            mark = MARKS[style]
            values = ["NULL" if null else mark for null in nulls]
            first = values
            if self._kinds:  # a NULL has no type, nor has a text's mark: the first row gives it
                first = [f"CAST({v} AS {k})" for v, k in zip(values, self._kinds, strict=True)]
            rows = [f"({', '.join(row)})" for row in [first] + [values] * (size - 1)]
            self._texts[key] = f"{self._before}{', '.join(rows)}{self._after}"
        return self._texts[key]


class Insert:
    """INSERT many rows."""

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        """Rows are tuples of values for `columns`."""
        names = ", ".join(columns)
        self._rows = _Rows(f"INSERT INTO {table.name} ({names}) VALUES ")  # noqa: S608 — our names

    def run(self, transaction: Connection, rows: Sequence[Row]) -> None:
        """Insert the rows."""
        for text, values in self._rows.statements(transaction.dialect.paramstyle, rows):
            transaction.exec_driver_sql(text, values)


class Update:
    """UPDATE many rows, each to its own values, where some of its columns are as given."""

    def __init__(
        self, table: Table, *, match: Sequence[str], set_: Sequence[str], also: str
    ) -> None:
        """Rows are tuples of values for `match` and then `set_`; `also` is set in every row.

        The first of `match` names the row, and is what `run` returns.
        """
        columns = [*match, *set_]
        names = [f"old_{name}" for name in match] + [f"new_{name}" for name in set_]
        assigned = [f"{name} = new_{name}" for name in set_] + [also]
        matched = [f"{table.name}.{name} = old_{name}" for name in match]
        self._rows = _Rows(
            f"WITH given ({', '.join(names)}) AS (VALUES ",
            f") UPDATE {table.name} SET {', '.join(assigned)} FROM given"  # noqa: S608 — our names
            f" WHERE {' AND '.join(matched)} RETURNING {table.name}.{match[0]}",
            kinds=["TEXT" if isinstance(table.c[n].type, Text) else "BIGINT" for n in columns],
        )

    def run(self, transaction: Connection, rows: Sequence[Row]) -> set[Any]:
        """Update the rows; returns which of them matched."""
        return {
            name
            for text, values in self._rows.statements(transaction.dialect.paramstyle, rows)
            for (name,) in transaction.exec_driver_sql(text, values)
        }
