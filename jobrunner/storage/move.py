"""Every row of every table into another database, and the proof that it arrived."""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Executable, Table, func, select, tuple_, type_coerce
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.types import NULLTYPE

from jobrunner.core.errors import DatabaseError, MoveError
from jobrunner.storage import closed
from jobrunner.storage.closed import FROM, TO, Move
from jobrunner.storage.dialect import last_id, say, set_last_id
from jobrunner.storage.engine import Database
from jobrunner.storage.prepared import Insert, Row
from jobrunner.storage.tables import metadata

CHUNK: Final = 500
"""Rows in memory at a time: one may hold a few MiB of arguments and output."""

DIGEST: Final = 16
"""Bytes of a checksum."""

Read = Callable[[Executable], list[Row]]
Show = Callable[[int], None]
"""Is told how many rows are done."""


class Copied(NamedTuple):
    """A table, its rows, and a checksum that is the same on both databases, in any order."""

    table: str
    rows: int
    checksum: str


def count(transaction: Connection) -> int:
    """The rows of all tables."""
    tables = metadata.sorted_tables
    return sum(transaction.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def refuse_occupied(target: Connection, name: str, *, source: Connection) -> None:
    """Make sure that nothing is lost where the rows are to go.

    It is empty, or the very place that the source came from: that one has been closed since,
    and all of it is in the source.

    Raises:
        DatabaseError: it holds other things, or was moved away itself.
    """
    to, origin = closed.find(target, TO), closed.find(source, FROM)
    if to is not None and origin is not None and to.id == origin.id:
        return
    hint = "Name an empty database, or a file that is not there yet; nothing was changed."
    if to is not None:
        raise DatabaseError(f"the database {name} has been moved itself, to {to.place}", hint=hint)
    for table in metadata.sorted_tables:
        if target.execute(select(table.c[table.primary_key.columns.keys()[0]]).limit(1)).first():
            raise DatabaseError(
                f"the database {name} is not empty: it has rows in {table.name}", hint=hint
            )


def fill(
    target: Connection, source: Database, move: Move, *, name: str, show: Show
) -> list[Copied]:
    """Put all rows of a closed source in the place of all that is in the target, and compare.

    In the one transaction that is given: until it is committed nobody sees anything of it, and
    one that is killed leaves nothing behind. `name` is the target's.

    Raises:
        MoveError: what arrived is not what was sent.
        DatabaseError: the target does not take a row.
    """
    closed.reopen(target)
    tables = metadata.sorted_tables
    names = [table.name for table in tables]
    say(
        target,
        file=[f"DELETE FROM {name}" for name in reversed(names)],  # noqa: S608 — our names
        server=[f"TRUNCATE {', '.join(names)}"],
    )
    done = 0

    def more(rows: int) -> None:
        nonlocal done
        done += rows
        show(done)

    def read_source(query: Executable) -> list[Row]:
        with source.reading() as transaction:
            return _read(transaction, query)

    sent = [_copy(target, read_source, table, name, more) for table in tables]
    arrived = [_sum(table, _chunks(table, lambda query: _read(target, query))) for table in tables]
    for ours, theirs in zip(sent, arrived, strict=True):
        if ours != theirs:
            raise MoveError(ours.table, name)
    _count_on(target, source)
    say(target, server=[f"ANALYZE {name}" for name in names])  # or its plans are guesses
    closed.note(target, FROM, move)
    return sent


def _read(transaction: Connection, query: Executable) -> list[Row]:
    return [tuple(row) for row in transaction.execute(query)]


def _chunks(table: Table, read: Read) -> Iterator[list[Row]]:
    """All rows as the databases hold them, some at a time, along the primary key."""
    keys = list(table.primary_key.columns)
    places = [table.columns.values().index(key) for key in keys]
    raw: list[Any] = [type_coerce(column, NULLTYPE).label(column.name) for column in table.c]
    query = select(*raw).order_by(*keys).limit(CHUNK)
    rows = read(query)
    while rows:
        yield rows
        last = tuple_(*(rows[-1][place] for place in places), types=[key.type for key in keys])
        rows = read(query.where(tuple_(*keys) > last)) if len(rows) == CHUNK else []


def _copy(
    target: Connection, read: Read, table: Table, name: str, more: Callable[[int], None]
) -> Copied:
    insert = Insert(table, table.c.keys())

    def passing() -> Iterator[list[Row]]:
        for rows in _chunks(table, read):
            yield rows
            insert.run(target, rows)
            more(len(rows))

    try:
        return _sum(table, passing())
    except (DataError, IntegrityError) as error:
        said = str(error.orig).partition("\n")[0]
        raise DatabaseError(
            f"the database {name} does not take a row of {table.name}: {said}",
            hint="Look at the source with `jobrunner db check`; nothing was changed.",
        ) from error


def _sum(table: Table, chunks: Iterator[list[Row]]) -> Copied:
    """The digests of the rows added up: databases sort text in orders of their own."""
    rows = total = 0
    for chunk in chunks:
        rows += len(chunk)
        for row in chunk:
            digest = blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=DIGEST)
            total += int.from_bytes(digest.digest())
    return Copied(table.name, rows, f"{total % (1 << 8 * DIGEST):0{2 * DIGEST}x}")


def _count_on(target: Connection, source: Database) -> None:
    """No id that was ever given out is given out again, its row deleted or not."""
    for table in metadata.sorted_tables:
        if table.autoincrement_column is None:
            continue
        with source.reading() as transaction:
            last = last_id(transaction, table.name)
        if last is not None:
            set_last_id(target, table.name, last)
