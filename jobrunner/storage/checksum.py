"""All rows of a table, some at a time, and a checksum that is the same on both databases."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, Connection, Double, Table, literal_column, select, type_coerce
from sqlalchemy.types import NULLTYPE

from jobrunner.storage.prepared import Row

CHUNK: Final = 500
"""Rows in memory at a time, if they are small: one may hold a few MiB of arguments and output."""

FETCHED: Final = 64
"""Rows that come from the database at a time, whatever their size."""

CHUNK_SIZE: Final = 1 << 22
"""Characters of text after which no more is put into a chunk."""

DIGEST: Final = 16
"""Bytes of a checksum."""


class Summed(NamedTuple):
    """A table, its rows, and their checksum, whatever order they come in."""

    table: str
    rows: int
    checksum: str


def chunks(transaction: Connection, table: Table) -> Iterator[list[Row]]:
    """All rows as the databases hold them, some at a time, in the order of the primary key."""
    query = select(*map(_raw, table.c)).order_by(*table.primary_key.columns)
    chunk: list[Row] = []
    size = 0
    for row in transaction.execute(query, execution_options={"yield_per": FETCHED}):
        chunk.append(tuple(row))
        size += sum(len(value) for value in chunk[-1] if isinstance(value, str))
        if len(chunk) == CHUNK or size >= CHUNK_SIZE:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _raw(column: Column[Any]) -> Any:
    """What is stored; SQLite makes 0.0 of -0.0, which a server keeps."""
    value = column + literal_column("0.0") if isinstance(column.type, Double) else column
    return type_coerce(value, NULLTYPE).label(column.name)


def checksum(table: Table, parts: Iterator[list[Row]]) -> Summed:
    """The digests of the rows added up: databases sort text in orders of their own."""
    rows = total = 0
    for part in parts:
        rows += len(part)
        for row in part:
            digest = blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=DIGEST)
            total += int.from_bytes(digest.digest())
    return Summed(table.name, rows, f"{total % (1 << 8 * DIGEST):0{2 * DIGEST}x}")
