"""Every row of every table into another database, and the proof that it arrived."""

import contextlib
from collections.abc import Callable, Generator, Iterator
from typing import Final

from sqlalchemy import Connection, Table, exists, func, select
from sqlalchemy.exc import DataError, IntegrityError, NotSupportedError

from jobrunner.core.errors import DatabaseError, MoveError
from jobrunner.storage import closed
from jobrunner.storage.checksum import Summed, checksum, chunks
from jobrunner.storage.dialect import last_id, say, set_last_id
from jobrunner.storage.engine import Database
from jobrunner.storage.moves import FROM, TO, Move, find, note
from jobrunner.storage.prepared import Insert, Row
from jobrunner.storage.tables import metadata

Show = Callable[[int], None]
"""Is told how many rows are done."""

_EMPTY: Final = "Name an empty database, or a file that is not there yet; nothing was changed."


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
    to, origin = find(target, TO), find(source, FROM)
    if to is not None and origin is not None and to.id == origin.id:
        return
    if to is not None:
        raise DatabaseError(
            f"the database {name} has been moved itself, to {to.place}", hint=_EMPTY
        )
    occupied = _occupied(target)
    if occupied is not None:
        raise DatabaseError(
            f"the database {name} is not empty: it has rows in {occupied}", hint=_EMPTY
        )


def _occupied(transaction: Connection) -> str | None:
    """The first table that has rows."""
    for table in metadata.sorted_tables:
        if transaction.scalar(select(exists().select_from(table))):
            return table.name
    return None


def fill(
    target: Connection, source: Database, move: Move, *, name: str, show: Show
) -> list[Summed]:
    """Put all rows of a closed source in the place of all that is in the target, and compare.

    In the one transaction that is given: until it is committed nobody sees anything of it, and
    one that is killed leaves nothing behind. `name` is the target's.

    Raises:
        MoveError: what arrived is not what was sent.
        DatabaseError: the target does not take a row.
    """
    closed.reopen(target)
    _clear(target, name)
    tables = metadata.sorted_tables
    done = 0

    def more(rows: int) -> None:
        nonlocal done
        done += rows
        show(done)

    sent = [_copy(target, source, table, name, more) for table in tables]
    arrived = [checksum(table, chunks(target, table)) for table in tables]
    for ours, theirs in zip(sent, arrived, strict=True):
        if ours != theirs:
            raise MoveError(ours.table, name)
    _count_on(target, source)
    say(target, server=[f"ANALYZE {table.name}" for table in tables])  # or its plans are guesses
    note(target, FROM, move)
    return sent


def _clear(target: Connection, name: str) -> None:
    if _occupied(target) is None:
        return  # what is empty is taken as it is, whoever refers to it
    names = [table.name for table in metadata.sorted_tables]
    try:
        say(
            target,
            file=[f"DELETE FROM {table}" for table in reversed(names)],  # noqa: S608 — our names
            server=[f"TRUNCATE {', '.join(names)}"],
        )
    except (NotSupportedError, IntegrityError) as error:
        said = str(error.orig).partition("\n")[0]
        raise DatabaseError(
            f"the database {name} has a table of yours that refers to ours: {said}",
            hint="Drop that foreign key, and make it again after the move; nothing was changed.",
        ) from error


def _copy(
    target: Connection, source: Database, table: Table, name: str, more: Callable[[int], None]
) -> Summed:
    insert = Insert(table, table.c.keys())

    def passing() -> Iterator[list[Row]]:
        with contextlib.closing(_read(source, table)) as parts:
            for rows in parts:
                yield rows
                insert.run(target, rows)
                more(len(rows))

    try:
        return checksum(table, passing())
    except (DataError, IntegrityError) as error:
        said = str(error.orig).partition("\n")[0]
        raise DatabaseError(
            f"the database {name} does not take a row of {table.name}: {said}",
            hint="Look at the source with `jobrunner db check`; nothing was changed.",
        ) from error


def _read(source: Database, table: Table) -> Generator[list[Row]]:
    with source.reading() as transaction:  # apart, or the target's errors would bear its name
        yield from chunks(transaction, table)


def _count_on(target: Connection, source: Database) -> None:
    """No id that was ever given out is given out again, its row deleted or not."""
    for table in metadata.sorted_tables:
        if table.autoincrement_column is None:
            continue
        with source.reading() as transaction:
            last = last_id(transaction, table.name)
        if last is not None:
            set_last_id(target, table.name, last)
