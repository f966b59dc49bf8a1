"""A database moves into another: closed when nothing runs, copied, and gone on with there.

At no moment are both open. The source is closed first, for good; then the target gets everything
in one transaction; at last the source is told that it has arrived. Whoever is killed in between
leaves a closed source and a target that is empty or complete, and the next run sees which.
"""

import contextlib
import secrets
from collections.abc import Generator
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING, Final

from jobrunner.core.errors import CommitUnknownError, DatabaseError, SchemaError
from jobrunner.runtime import alive
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.liveness import Liveness
from jobrunner.runtime.maintenance import Maintenance
from jobrunner.storage import closed, migrate, move, moves, workers
from jobrunner.storage.checksum import Summed
from jobrunner.storage.engine import Database
from jobrunner.storage.moves import DRAINING, FROM, MOVED, MOVING, TO, Move

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOOK_EVERY: Final = 0.2
"""Seconds between two looks whether something runs."""

HOLD_FOR: Final = 20.0
"""Seconds that claims are held up by one word of a mover that waits."""

LOST_AFTER: Final = 30.0
"""Seconds without a beat after which a worker of another host is taken for dead."""


class Mover:
    """One run of a move: within `closed`, `transfer`. What raises leaves the source as it was."""

    def __init__(self, source: Database, target: Database, *, clock: Clock) -> None:
        """Nothing is opened yet."""
        self._source = source
        self._target = target
        self._clock = clock
        self._move = Move(secrets.token_hex(8), target.name, DRAINING)
        self._hold_at = 0.0
        self._maintenance = Maintenance(
            source,
            Liveness(source.lock_folder),
            clock=clock,
            emit=lambda _event: None,
            lost_after=LOST_AFTER,
        )

    @contextlib.contextmanager
    def closed(self, *, drain: bool) -> Generator[None]:
        """Close the source when nothing runs; with `drain`, wait for that and let nothing begin.

        Where the block fails the source is opened again.

        Raises:
            DatabaseError: a worker is alive and it is not to drain, the target is not empty, or
                the source has been moved; nothing was changed.
        """
        self._prepare()
        try:
            while not self._is_closed(drain=drain):
                Event().wait(LOOK_EVERY)
            yield
        except CommitUnknownError:
            raise  # it may arrive yet: the next run sees
        except BaseException as error:
            self._undo_after(error)
            raise

    def rows(self) -> int:
        """How many rows there are to copy."""
        with self._source.reading() as transaction:
            return move.count(transaction)

    def transfer(self, show: move.Show) -> list[Summed]:
        """Copy the closed source, and open the target; the tables, none if they were there.

        `show` is told the rows that are done.

        Raises:
            MoveError: what arrived differs from what was sent.
            DatabaseError: one of the two cannot be used.
        """
        with contextlib.ExitStack() as last:
            with self._target.writing(rebuilds=True) as transaction:
                closed.lock(transaction, "ACCESS EXCLUSIVE")
                copied = [] if self._is_there(transaction) else self._fill(transaction, show)
                # Held until the target is committed: nobody may reopen the source meanwhile.
                self._finish(last.enter_context(self._source.writing()))
            return copied

    def _prepare(self) -> None:
        if self._source.name == self._target.name:
            raise DatabaseError("it is the database itself", hint="Name another one with --to.")
        with self._source.reading() as transaction:
            found = migrate.version(transaction)
            known = self._known(transaction)
        if found != migrate.HEAD:
            raise SchemaError(
                f"the tables of {self._source.name} are at version {found or 'none'},"
                f" not {migrate.HEAD}",
                hint="Run `jobrunner db upgrade`; nothing was changed.",
            )
        self._move = known or self._move
        migrate.upgrade(self._target)
        with self._target.reading() as transaction:
            if not self._is_there(transaction):
                self._refuse_occupied(transaction)

    def _known(self, source: "Connection") -> Move | None:
        """The same move where an earlier run has closed the source and was killed.

        Raises:
            DatabaseMovedError: it has been moved, or is on the way to another place.
        """
        known = moves.find(source, TO)
        if known is None or known.status == DRAINING:
            return None
        if known.status == MOVED or known.place != self._target.name:
            moves.refuse(source, self._source.name)
        return known

    def _refuse_occupied(self, target: "Connection") -> None:
        with self._source.reading() as transaction:
            move.refuse_occupied(target, self._target.name, source=transaction)

    def _is_there(self, target: "Connection") -> bool:
        """Whether all of it has been committed."""
        arrived = moves.find(target, FROM)
        return arrived is not None and arrived.id == self._move.id

    def _is_closed(self, *, drain: bool) -> bool:
        """Close the source if nothing runs. Who drains waits for other programs as well."""
        if self._move.status != DRAINING:
            return True
        try:
            if drain:
                self._hold()
            self._maintenance.sweep()
            return self._close(drain=drain)
        except DatabaseError as error:
            if drain and closed.is_in_use(error):
                return False
            raise

    def _hold(self) -> None:
        now = self._clock.monotonic()
        if now < self._hold_at:
            return
        until = self._clock.now() + timedelta(seconds=HOLD_FOR)
        with self._source.writing() as transaction:
            closed.lock(transaction, "SHARE ROW EXCLUSIVE")
            if self._known(transaction) is None:
                closed.drain(transaction, self._move, until=until)
        self._hold_at = now + HOLD_FOR / 2

    def _close(self, *, drain: bool) -> bool:
        with self._source.writing() as transaction:
            closed.lock(transaction, "SHARE ROW EXCLUSIVE")
            closing = self._known(transaction)
            if closing is None:
                if not drain:
                    _refuse_alive(transaction)
                if closed.running(transaction):
                    return False
                closing = self._move._replace(status=MOVING)
                closed.close(transaction, closing, now=self._clock.now())
        self._move = closing
        return True

    def _fill(self, target: "Connection", show: move.Show) -> list[Summed]:
        self._refuse_occupied(target)
        arriving = Move(self._move.id, self._source.name, MOVED)
        return move.fill(target, self._source, arriving, name=self._target.name, show=show)

    def _finish(self, source: "Connection") -> None:
        closed.lock(source, "SHARE ROW EXCLUSIVE")
        found = moves.find(source, TO)
        if found == self._move._replace(status=MOVED):
            return  # another run of this move has done it, while this one waited
        if not self._is_ours(found):
            raise DatabaseError(
                f"the database {self._source.name} was opened again meanwhile",
                hint="Nothing was moved; run it again.",
            )
        moves.note(source, TO, self._move._replace(status=MOVED))

    def _is_ours(self, found: Move | None) -> bool:
        return found is not None and found.id == self._move.id and found.status != MOVED

    def _undo_after(self, failure: BaseException) -> None:
        try:
            self._undo()
        except DatabaseError as error:
            if self._move.status == DRAINING:
                return  # nothing is closed, and claims go on by themselves
            said = str(failure) or "it was stopped"
            raise DatabaseError(
                f"{said}; and {self._source.name} is still closed: {error}",
                hint="Run the same `db move` again, or open it with `db move --reopen`.",
            ) from failure

    def _undo(self) -> None:
        """Open the source again, unless everything has arrived; nobody else does either now."""
        with self._source.writing() as transaction:
            closed.lock(transaction, "SHARE ROW EXCLUSIVE")
            if not self._is_ours(moves.find(transaction, TO)):
                return
            with self._target.reading() as arrived:
                is_there = self._is_there(arrived)
            if is_there:
                self._finish(transaction)
            else:
                closed.reopen(transaction)


def reopen(source: Database) -> str | None:
    """Take writes again in a database that was moved or is being moved; where it went, if at all.

    Only where nobody uses that other one: its work would be done twice.

    Raises:
        DatabaseMovedError: a move that was under way has arrived while this waited for it.
    """
    with source.reading() as transaction:
        seen = moves.find(transaction, TO)
    with source.writing() as transaction:
        closed.lock(transaction, "SHARE ROW EXCLUSIVE")
        found = moves.find(transaction, TO)
        if found != seen:  # it was about to be so when it was asked for, and is not any more
            moves.refuse(transaction, source.name)
        if found is not None:
            closed.reopen(transaction)
    return None if found is None else found.place


def _refuse_alive(transaction: "Connection") -> None:
    known = {worker.id: worker for worker in workers.alive(transaction)}
    hint = "Stop it first, or use --drain to wait for what it runs; nothing was changed."
    alive.refuse(list(known), known, hint=hint)
