"""What the two databases do differently inside a transaction: the only `if dialect`."""

import contextlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, text

from jobrunner.storage import rebuild, sqlite

_NEXT_IDS: Final = "SELECT nextval('tasks_id_seq') FROM generate_series(1, %s)"


def reserve_ids(
    transaction: Connection, count: int, *, before: Sequence[int] = ()
) -> Sequence[int]:
    """Reserve `count` task ids in one go, ascending, so that bulk inserts need no RETURNING.

    `before` are those of a transaction whose COMMIT is in doubt. On a server they stay ours, and
    so nothing can be stored twice even if that COMMIT still goes on; in a file they were rolled
    back, and others may have them.
    """
    if transaction.dialect.name == "sqlite":
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'tasks'"
        ((last,),) = sqlite.run(transaction, query).fetchall() or [(0,)]
        return range(last + 1, last + 1 + count)
    if before:
        return before
    return sorted(transaction.exec_driver_sql(_NEXT_IDS, (count,)).scalars())


def run(transaction: Connection, statement: str, values: tuple[Any, ...]) -> None:
    """Run a statement of ours in the driver's own words, with as little in between as there is."""
    execute = sqlite.run if transaction.dialect.name == "sqlite" else Connection.exec_driver_sql
    execute(transaction, statement, values)


def array_of(numbers: Sequence[Any]) -> str:
    """An array of numbers as a server reads it."""
    return f"{{{','.join(map(str, numbers))}}}"


def of_these(transaction: Connection, query: str, ids: Sequence[int]) -> Sequence[Any]:
    """The rows of a query of ours whose key is `{among}` these, which go as one value.

    A mark for each takes SQLAlchemy, which writes the text anew each time, as long as a row SQLite.
    """
    if transaction.dialect.name == "sqlite":
        among = query.format(among="IN (SELECT value FROM json_each(?))")
        found: Sequence[Any] = sqlite.run(transaction, among, (str(list(ids)),)).fetchall()
        return found
    among = query.format(among="= ANY(%s::bigint[])")
    return transaction.exec_driver_sql(among, (array_of(ids),)).all()


def takes_arrays(transaction: Connection) -> bool:
    """Whether many values go as one array, which costs far less than a mark for each."""
    return transaction.dialect.name != "sqlite"


_LOCK: Final = "SELECT 1 FROM tasks WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE"


def lock_tasks(transaction: Connection, ids: Sequence[int]) -> None:
    """Keep others from changing tasks until the transaction ends; in a file, all are kept out.

    Everybody locks in the order of the ids, or two would wait for each other.
    """
    if ids and transaction.dialect.name != "sqlite":
        transaction.exec_driver_sql(_LOCK, (array_of(ids),))


_ONE_BY_ONE: Final = (
    "SELECT pg_advisory_xact_lock(hashtext('jobrunner claims'), hashtext(current_schema()))"
)


def claim_one_by_one(transaction: Connection) -> None:
    """Wait for other claims that count what runs: two must not count before either has written.

    Until the transaction ends. In a file, everybody writes one by one.
    """
    if transaction.dialect.name != "sqlite":
        transaction.exec_driver_sql(_ONE_BY_ONE)


_UNDERWAY: Final = """
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE relation = 'queues'::regclass AND pid <> pg_backend_pid()
"""


def claims_underway(transaction: Connection) -> set[str]:
    """The transactions that have read which queues are paused and are not over; in a file, none."""
    if transaction.dialect.name == "sqlite":
        return set()
    return set(transaction.exec_driver_sql(_UNDERWAY).scalars())


KEY_LOCKS: Final = 1_024
"""Locks that all unique keys share: a server has room for some thousands at a time."""

_LOCK_KEYS: Final = "SELECT pg_advisory_xact_lock(1785684594, number) FROM unnest(%s::int[]) number"


def lock_keys(transaction: Connection, keys: Iterable[str]) -> None:
    """Keep others from taking unique keys until the transaction ends; in a file, all are kept out.

    Everybody locks in the order of the numbers, or two would wait for each other.
    """
    numbers = sorted({zlib.crc32(key.encode()) % KEY_LOCKS for key in keys})
    if numbers and transaction.dialect.name != "sqlite":
        transaction.exec_driver_sql(_LOCK_KEYS, (array_of(numbers),))


def lock_name(transaction: Connection, name: str) -> None:
    """Keep others from locking the same name until the transaction ends; in a file, all are out."""
    if transaction.dialect.name != "sqlite":
        transaction.exec_driver_sql(_LOCK_NAME, (name,))


_LOCK_NAME: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 6))"


def say(transaction: Connection, *, file: Sequence[str] = (), server: Sequence[str] = ()) -> None:
    """Run the statements that one of the two databases wants; nothing in them is bound."""
    for words in file if transaction.dialect.name == "sqlite" else server:
        transaction.execute(text(words.replace(":", r"\:")))


def last_id(transaction: Connection, table: str) -> int | None:
    """The highest id that a table has ever given out, `None` for none."""
    query = _LAST_IN_FILE if transaction.dialect.name == "sqlite" else _LAST_ON_SERVER
    found: int | None = transaction.scalar(text(query.format(table=table)))
    return found


_LAST_IN_FILE: Final = """
SELECT max(id) FROM (
    SELECT seq AS id FROM sqlite_sequence WHERE name = '{table}'
    UNION ALL SELECT max(id) FROM {table}
)
"""
_LAST_ON_SERVER: Final = (
    "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence('{table}', 'id') AS regclass))"
)


def set_last_id(transaction: Connection, table: str, last: int) -> None:
    """From here on a table gives out ids behind that one."""
    if transaction.dialect.name == "sqlite":
        rebuild.keep_counting(transaction, table, last)
    else:
        transaction.execute(
            text("SELECT setval(CAST(pg_get_serial_sequence(:name, 'id') AS regclass), :last)"),
            {"name": table, "last": last},
        )


def damage(transaction: Connection) -> Iterator[str]:
    """What SQLite finds wrong with pages and references, a sentence each; a server does that."""
    return sqlite.damage(transaction) if transaction.dialect.name == "sqlite" else iter(())


def rebuilding(transaction: Connection) -> contextlib.AbstractContextManager[None]:
    """What a migration runs in, inside a transaction that `rebuilds`; see `rebuild.watched`."""
    if transaction.dialect.name == "sqlite":
        return rebuild.watched(transaction)
    return contextlib.nullcontext()
