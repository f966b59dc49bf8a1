"""A database that is closed because its work moves: what keeps everybody out.

The locks on the door are triggers: they hold for programs that have had the database open for
long and for those of any version, they outlive a kill, and who has not moved pays nothing.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, func, literal_column, select, update
from sqlalchemy.exc import DBAPIError

from jobrunner.core.errors import ConflictError, DatabaseError
from jobrunner.storage.dialect import say
from jobrunner.storage.moves import TO, Move, moves, note
from jobrunner.storage.tables import metadata, tasks, workers
from jobrunner.storage.trouble import is_locked

TABLES: Final = [table.name for table in metadata.sorted_tables]

_LOCKED: Final = sorted(TABLES, key=lambda name: name != workers.name)
"""Who declares a worker lost writes its row first and then its tasks."""

_LOCK_NOT_AVAILABLE: Final = "55P03"


def running(transaction: Connection) -> int:
    """How many tasks are in progress."""
    query = select(func.count()).where(tasks.c.status == literal_column("'in_progress'"))
    return transaction.scalar(query) or 0


_DRAIN_FILE: Final = """
CREATE TRIGGER IF NOT EXISTS jobrunner_drain BEFORE UPDATE OF status ON tasks
WHEN NEW.status = 'in_progress' AND OLD.status <> 'in_progress' AND EXISTS (
    SELECT 1 FROM jobrunner_move WHERE until > CAST(strftime('%s', 'now') AS INTEGER)
) BEGIN SELECT RAISE(IGNORE); END
"""
_DRAIN_SERVER: Final = (
    """
CREATE OR REPLACE FUNCTION jobrunner_drain() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (
        SELECT 1 FROM jobrunner_move WHERE until > extract(epoch FROM clock_timestamp())
    ) THEN RETURN NULL; END IF;
    RETURN NEW;
END $$
""",
    """
CREATE OR REPLACE TRIGGER jobrunner_drain BEFORE UPDATE OF status ON tasks FOR EACH ROW
WHEN (NEW.status = 'in_progress' AND OLD.status <> 'in_progress')
EXECUTE FUNCTION jobrunner_drain()
""",
)


def drain(transaction: Connection, move: Move, *, until: datetime) -> None:
    """Let nobody claim a task for a while; all else goes on.

    To be repeated: a mover that is killed while it waits holds nobody up for ever.
    """
    note(transaction, TO, move)
    transaction.execute(update(moves).values(until=int(until.timestamp())))
    say(transaction, file=[_DRAIN_FILE], server=_DRAIN_SERVER)


def lock(transaction: Connection, mode: str) -> None:
    """Wait until nobody writes, and keep all others out; in a file that is so already.

    What a mover then reads of a move stays so until its transaction ends
    (guarded by test_a_place_is_not_opened_again_by_who_asked_before_its_move_arrived).
    """
    say(transaction, server=[f"LOCK TABLE {', '.join(_LOCKED)} IN {mode} MODE"])


def is_in_use(error: DatabaseError) -> bool:
    """Whether a transaction only met others: it may go through when they have ended."""
    cause = error.__cause__
    if isinstance(error, ConflictError) or not isinstance(cause, DBAPIError):
        return isinstance(error, ConflictError)
    driver: Any = cause.orig
    return getattr(driver, "sqlstate", None) == _LOCK_NOT_AVAILABLE or is_locked(driver)


_RAISE: Final = """
CREATE OR REPLACE FUNCTION jobrunner_moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = 'jobrunner_moved';
END $$
"""


def close(transaction: Connection, move: Move, *, now: datetime) -> None:
    """Take no write any more, whoever it is from; workers that are idle have ended by that."""
    ended = {"status": "stopped", "stopped_at": now, "seen_at": now}
    transaction.execute(update(workers).where(workers.c.stopped_at.is_(None)).values(**ended))
    note(transaction, TO, move)
    say(
        transaction,
        file=[
            f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {event} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, 'jobrunner_moved'); END"
            for name, event, table in _file_triggers()
        ],
        server=[
            _RAISE,
            *(
                "CREATE OR REPLACE TRIGGER jobrunner_moved BEFORE INSERT OR UPDATE OR DELETE"
                f" OR TRUNCATE ON {table} EXECUTE FUNCTION jobrunner_moved()"
                for table in TABLES
            ),
        ],
    )


_UNLOCK: Final = """
DO $$ DECLARE one record; BEGIN
    FOR one IN
        SELECT tgrelid::regclass AS place, tgname FROM pg_trigger
        WHERE tgname IN ('jobrunner_drain', 'jobrunner_moved') AND pg_table_is_visible(tgrelid)
    LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', one.place, one.tgname);
    END LOOP;
END $$
"""
"""To drop them would wait for everybody who reads, such as pg_dump."""


def reopen(transaction: Connection) -> None:
    """Take writes again, and forget where the work went."""
    moves.create(transaction, checkfirst=True)
    transaction.execute(delete(moves).where(moves.c.direction == TO))
    say(
        transaction,
        file=[
            "DROP TRIGGER IF EXISTS jobrunner_drain",
            *(f"DROP TRIGGER IF EXISTS {name}" for name, _, _ in _file_triggers()),
        ],
        server=[_UNLOCK],
    )


def _file_triggers() -> Iterator[tuple[str, str, str]]:
    """The name of each trigger in a file, its event and its table."""
    for table in TABLES:
        for event in ("INSERT", "UPDATE", "DELETE"):
            yield f"jobrunner_moved_{table}_{event.lower()}", event, table
