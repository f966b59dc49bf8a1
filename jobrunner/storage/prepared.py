"""Statements for many rows at once, their texts made once, their values handed over as they are.

SQLAlchemy's own `executemany` looks at every value of every row, and the driver takes one step
a row, handing the interpreter's lock to and fro: for a fast worker both cost more than the
database. Here one statement carries many rows, and values must be such as the driver takes:
moments and spans as microseconds, statuses as plain text.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import islice
from operator import eq, is_
from typing import Any, Final

from sqlalchemy import Connection, Double, Table, Text
from sqlalchemy.types import TypeEngine

from jobrunner.storage.dialect import array_of, run, takes_arrays

SIZES: Final = (512, 128, 32, 8, 2, 1)
"""Rows a statement carries: few sizes, so that the driver keeps each of them prepared."""

ARRAYS_OF: Final = 2_000
"""Rows whose values go as arrays at a time, if they are not too large."""

ONCE_FROM: Final = 100
"""Rows from which on a value that all of them have goes once, not as an array. In fewer rows many
columns are alike by chance, and each mixture of them is a statement of its own to prepare."""

AT_ONCE: Final = 1 << 22
"""Characters of text in one statement: a server takes no array over 1 GiB, and none for ever."""

Row = tuple[Any, ...]

_is_null: Final = partial(is_, None)


def _kind(column: TypeEngine[Any]) -> str:
    """What a server calls the type of values as they travel."""
    if isinstance(column, Double):
        return "double precision"
    return "text" if isinstance(column, Text) else "bigint"


def array(values: Sequence[Any], words: AbstractSet[str | None] | None) -> str:
    """An array as PostgreSQL reads it; the driver takes four times as long to make one of a list.

    `words` are the different values of text: most columns hold one or two.
    https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
    """
    if words is None:  # digits and points: nothing else reads as None
        return array_of(values).replace("None", "NULL")
    quoted = {word: _quoted(word) for word in words}
    return f"{{{','.join([quoted[value] for value in values])}}}"


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _are_large(columns: Sequence[Row], words: Sequence[AbstractSet[str | None] | None]) -> bool:
    """Whether the text is too much for one statement; looks at each value only where it may be."""
    longest = sum(max(_lengths(some), default=0) for some in words if some)
    if longest * len(columns[0]) <= AT_ONCE:
        return False
    texts = itertools.compress(columns, words)
    return sum(sum(_lengths(column)) for column in texts) > AT_ONCE


def _lengths(values: Iterable[str | None]) -> Iterator[int]:
    return map(len, filter(None, values))


def _alike(rows: Sequence[Row]) -> Iterator[tuple[Row, Sequence[Row]]]:
    """Group rows by which of their values are NULL; in most batches that is the same in all."""
    first = tuple(map(_is_null, rows[0]))
    counts = (len(rows) * null for null in first)
    if all(map(eq, counts, (column.count(None) for column in zip(*rows, strict=True)))):
        yield first, rows
        return
    alike: dict[Row, list[Row]] = {}
    for row in rows:
        alike.setdefault(tuple(map(_is_null, row)), []).append(row)
    yield from alike.items()


class _Rows:
    """A text around a source of rows, for any number of them."""

    def __init__(
        self, table: Table, columns: Sequence[str], before: str, after: str = "", keys: int = 1
    ) -> None:
        """The first columns are `keys`, and always arrays.

        Where all rows have one token, a planner that saw it would look for it, through all tasks.
        """
        self._before = before
        self._after = after
        kinds = [_kind(table.c[name].type) for name in columns]
        self._kinds = kinds
        # Floats do not go once either: 0.0 is equal to -0.0.
        exact = [kind != "double precision" for kind in kinds[keys:]]
        self._may_go_once = [False] * keys + exact
        self._are_text = [kind == "text" for kind in kinds]
        self._texts: dict[tuple[int, Row], str] = {}

    def statements(self, transaction: Connection, rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
        """Cut `rows` into statements, each a text and its values."""
        if takes_arrays(transaction):
            for at in range(0, len(rows), ARRAYS_OF):
                yield from self._with_arrays(rows[at : at + ARRAYS_OF])
        elif rows:
            yield from self._with_values(rows)

    def _with_arrays(self, rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
        """A value a column, whatever the number of rows."""
        columns = list(zip(*rows, strict=True))
        once = self._go_once(columns)
        words = [
            set(column) if text and not same else None
            for column, text, same in zip(columns, self._are_text, once, strict=True)
        ]
        if len(rows) > 1 and _are_large(columns, words):
            half = len(rows) // 2
            yield from self._with_arrays(rows[:half])
            yield from self._with_arrays(rows[half:])
        else:
            single = [column[0] for column in itertools.compress(columns, once)]
            each = zip(columns, words, once, strict=True)
            arrays = [array(column, some) for column, some, same in each if not same]
            yield self._over_arrays(once), (*single, *arrays)

    def _go_once(self, columns: Sequence[Row]) -> Row:
        """Which columns hold one value, if there are rows enough to ask."""
        if len(columns[0]) < ONCE_FROM:
            return (False,) * len(columns)
        each = zip(columns, self._may_go_once, strict=True)
        return tuple(may and column.count(column[0]) == len(column) for column, may in each)

    def _over_arrays(self, once: Row) -> str:
        """The text for one value of some columns, and then an array of each of the others."""
        key = (0, once)
        if key not in self._texts:
            kinds = list(zip(self._kinds, once, strict=True))
            arrays = ", ".join(f"%s::{kind}[]" for kind, same in kinds if not same)
            names = [f"c{at}" for at, same in enumerate(once) if not same]
            each = [f"%s::{kind}" if same else f"c{at}" for at, (kind, same) in enumerate(kinds)]
            rows = f"SELECT {', '.join(each)} FROM unnest({arrays}) AS c ({', '.join(names)})"  # noqa: S608 — marks only
            self._texts[key] = f"{self._before}{rows}{self._after}"
        return self._texts[key]

    def _with_values(self, rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
        """`VALUES (?, ?), (?, NULL), …`: a value a mark.

        NULLs stand in the text: to bind one, SQLite's drivers first search for an adapter, which
        takes a microsecond.
        """
        for nulls, group in _alike(rows):
            given = [not null for null in nulls]
            columns = itertools.compress(zip(*group, strict=True), given)
            values = itertools.chain.from_iterable(zip(*columns, strict=True))
            left = len(group)
            for size in SIZES:
                while left >= size:
                    left -= size
                    yield self._text(size, nulls), tuple(islice(values, size * sum(given)))

    def _text(self, size: int, nulls: Row) -> str:
        key = (size, nulls)
        if key not in self._texts:
            row = f"({', '.join('NULL' if null else '?' for null in nulls)})"
            self._texts[key] = f"{self._before}VALUES {', '.join([row] * size)}{self._after}"
        return self._texts[key]


class Insert:
    """INSERT many rows."""

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        """Rows are tuples of values for `columns`."""
        names = ", ".join(columns)
        self._rows = _Rows(table, columns, f"INSERT INTO {table.name} ({names}) ")

    def run(self, transaction: Connection, rows: Sequence[Row]) -> None:
        """Insert the rows."""
        for text, values in self._rows.statements(transaction, rows):
            run(transaction, text, values)


class Update:
    """UPDATE many rows, each to its own values, where some of its columns are as given."""

    def __init__(
        self,
        table: Table,
        *,
        match: Sequence[str],
        set_: Sequence[str],
        also: str,
        returning: str,
    ) -> None:
        """Rows are tuples of values for `match` and then `set_`; `also` is set in every row."""
        names = [f"old_{name}" for name in match] + [f"new_{name}" for name in set_]
        assigned = [f"{name} = new_{name}" for name in set_] + [also]
        matched = [f"{table.name}.{name} = old_{name}" for name in match]
        self._rows = _Rows(
            table,
            [*match, *set_],
            f"WITH given ({', '.join(names)}) AS (",
            f") UPDATE {table.name} SET {', '.join(assigned)} FROM given"  # noqa: S608 — our names
            f" WHERE {' AND '.join(matched)} RETURNING {returning}",
            keys=len(match),
        )

    def run(self, transaction: Connection, rows: Sequence[Row]) -> list[Any]:
        """Update the rows; gives what is `returning` of those that matched."""
        found: list[Any] = []
        for text, values in self._rows.statements(transaction, rows):
            found += transaction.exec_driver_sql(text, values).all()  # row by row costs twice that
        return found
