"""All rows of a table, some at a time, and a checksum that is the same on both databases."""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Executable, Table, select, tuple_, type_coerce
from sqlalchemy.types import NULLTYPE

from jobrunner.storage.prepared import Row

CHUNK: Final = 500
"""Rows in memory at a time: one may hold a few MiB of arguments and output."""

DIGEST: Final = 16
"""Bytes of a checksum."""

Read = Callable[[Executable], list[Row]]


class Summed(NamedTuple):
    """A table, its rows, and their checksum, whatever order they come in."""

    table: str
    rows: int
    checksum: str


def read(transaction: Connection, query: Executable) -> list[Row]:
    """The rows of a query, as plain tuples."""
    return [tuple(row) for row in transaction.execute(query)]


def chunks(table: Table, ask: Read) -> Iterator[list[Row]]:
    """All rows as the databases hold them, some at a time, along the primary key."""
    keys = list(table.primary_key.columns)
    places = [table.columns.values().index(key) for key in keys]
    raw: list[Any] = [type_coerce(column, NULLTYPE).label(column.name) for column in table.c]
    query = select(*raw).order_by(*keys).limit(CHUNK)
    rows = ask(query)
    while rows:
        yield rows
        last = tuple_(*(rows[-1][place] for place in places), types=[key.type for key in keys])
        rows = ask(query.where(tuple_(*keys) > last)) if len(rows) == CHUNK else []


def checksum(table: Table, parts: Iterator[list[Row]]) -> Summed:
    """The digests of the rows added up: databases sort text in orders of their own."""
    rows = total = 0
    for part in parts:
        rows += len(part)
        for row in part:
            digest = blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=DIGEST)
            total += int.from_bytes(digest.digest())
    return Summed(table.name, rows, f"{total % (1 << 8 * DIGEST):0{2 * DIGEST}x}")
