"""What a database that moves knows of it: where to, where from, and how far it is."""

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Column, Connection, MetaData, Table, Text, delete, insert, inspect, select

from jobrunner.core.errors import DatabaseMovedError
from jobrunner.storage.types import Long

TO: Final = "to"
"""The row of the place that the work goes to."""
FROM: Final = "from"
"""The row of the place that it came from."""

DRAINING: Final = "draining"
MOVING: Final = "moving"
MOVED: Final = "moved"

moves = Table(
    "jobrunner_move",  # made by the first move, and so not one of the schema's
    MetaData(),
    Column("direction", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("until", Long, nullable=False, server_default="0"),
    sqlite_strict=True,
)


class Move(NamedTuple):
    """One move as both of its databases know it. `place` is the other one, without a password."""

    id: str
    place: str
    status: str


def find(transaction: Connection, direction: str) -> Move | None:
    """The move that this database is at an end of, `None` if there is none."""
    if not inspect(transaction).has_table(moves.name):
        return None
    query = select(moves.c.id, moves.c.place, moves.c.status).where(moves.c.direction == direction)
    found = transaction.execute(query).one_or_none()
    return None if found is None else Move._make(found)


def is_draining(transaction: Connection, now: datetime) -> bool:
    """Whether nobody can claim a task for a while: see `closed.drain`."""
    if not inspect(transaction).has_table(moves.name):
        return False
    query = select(moves.c.id).where(moves.c.until > int(now.timestamp()))
    return transaction.scalar(query.limit(1)) is not None


def note(transaction: Connection, direction: str, move: Move) -> None:
    """Write down a move in the place of what is known of an earlier one."""
    moves.create(transaction, checkfirst=True)
    transaction.execute(delete(moves).where(moves.c.direction == direction))
    transaction.execute(insert(moves).values(direction=direction, **move._asdict()))


def refuse(transaction: Connection, name: str) -> None:
    """Keep out who opens it now.

    Raises:
        DatabaseMovedError: its work goes on in another database, or is on the way there.
    """
    move = find(transaction, TO)
    if move is None or move.status == DRAINING:
        return
    if move.status == MOVED:
        raise DatabaseMovedError(
            f"the database {name} was moved to {move.place}", hint=f"Use --db {move.place}."
        )
    raise DatabaseMovedError(
        f"the database {name} is being moved to {move.place}",
        hint="If that was killed, run the same `db move` again, or `db move --reopen`.",
    )
