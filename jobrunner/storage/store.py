"""A database that is opened on first use, and the transaction that its user has open."""

import contextlib
import os
import threading
from collections.abc import Callable, Generator, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from jobrunner.core.errors import CommitUnknownError, ConflictError, DatabaseError
from jobrunner.core.new_task import NewTask
from jobrunner.core.task import TaskSource
from jobrunner.core.web_errors import ReadOnlyError
from jobrunner.storage import joint, migrate
from jobrunner.storage.doubt import has_arrived
from jobrunner.storage.engine import Database
from jobrunner.storage.enqueue import enqueue
from jobrunner.storage.rows import Row
from jobrunner.storage.stored import look
from jobrunner.storage.telemetry import is_traced
from jobrunner.storage.together import FEW, Asked, Together
from jobrunner.storage.turnstile import in_turn

R = TypeVar("R")


class Store:
    """Gives out transactions; inside `joining`, everything goes into that one."""

    def __init__(self, database: Database) -> None:
        """Nothing is opened yet. `after_commit` is called after each transaction that wrote."""
        self.after_commit: list[Callable[[], None]] = []
        self._database = database
        self._opening = threading.Lock()
        self._is_open = False
        self._together = Together(self._enqueue)
        self._joined: ContextVar[Connection | None] = ContextVar("transaction", default=None)
        self.read_only = False
        """Whether it gives out no transaction that writes, nor brings tables up to date."""

    @property
    def location(self) -> str:
        """Where it is, with all that it takes to open it again."""
        return self._database.location

    @property
    def unopened(self) -> Database:
        """The database as it is: nothing is made or brought up to date."""
        return self._database

    @property
    def database(self) -> Database:
        """The database, with its tables in place.

        Raises:
            DatabaseError: it cannot be opened.
            SchemaError: it is of another version of jobrunner.
        """
        if not self._is_open:
            with self._opening:
                if not self._is_open:
                    migrate.ensure(self._database, read_only=self.read_only)
                    self._is_open = True
        return self._database

    def server_time(self) -> datetime | None:
        """The present moment by the database's own clock, `None` where it has none."""
        return self._database.server_time()

    def upgrade(self) -> migrate.Upgraded:
        """Bring the tables to the newest schema, a file of an older one with a backup first."""
        return migrate.upgrade(self._database)

    @contextlib.contextmanager
    def joining(self) -> Generator[Connection]:
        """A writing transaction that all others of this thread or coroutine join."""
        with self.writing() as connection:
            token = self._joined.set(connection)
            try:
                yield connection
            finally:
                self._joined.reset(token)

    @property
    def is_joined(self) -> bool:
        """Whether what is written here and now is part of a transaction that may be taken back."""
        return self._part_of() is not None

    def _part_of(self) -> Connection | None:
        """The transaction that all of this thread or coroutine goes into, if there is one."""
        return self._joined.get() or joint.at(self._database.location)

    @contextlib.contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction that writes: the joined one, or one of its own.

        Raises:
            ReadOnlyError: it is `read_only`.
        """
        if self.read_only:
            raise ReadOnlyError
        joined = self._part_of()
        if joined is not None:
            yield joined
            return
        with self.database.writing() as connection:
            yield connection
        for call in tuple(self.after_commit):
            call()

    def write(self, call: Callable[..., R], *values: Any, **named: Any) -> R:
        """Call a function of the storage in a transaction, once more if another was in its way.

        Raises:
            ConflictError: that was so the second time as well, or in a joined transaction.
        """
        try:
            return self._write(call, *values, **named)
        except ConflictError:
            if self._part_of() is not None:
                raise
            return self._write(call, *values, **named)

    def _write(self, call: Callable[..., R], *values: Any, **named: Any) -> R:
        with self.writing() as transaction:
            return call(transaction, *values, **named)

    def enqueue(
        self, new: Sequence[NewTask[Any]], *, now: datetime, source: TaskSource | None = None
    ) -> list[Row]:
        """Store new tasks; if a COMMIT raises, look before it is repeated.

        Returns the rows as they were written. Nothing is looked for after the COMMIT: if that
        failed, whoever repeats the call would store them twice
        (guarded by test_an_enqueue_looks_for_nothing_after_its_commit). Unique ones that were
        there are read before, if there is a `source` for them.

        Raises:
            InvalidTaskError: one cannot be stored; none was.
            DiskFullError: there is too little room; nothing was stored.
            CommitUnknownError: the second COMMIT raised as well.
        """
        if self._may_share(new):
            rows = self._together.store(new, now)
            if rows is not None:
                return rows
        try:
            return self._enqueue(lambda: (new, now), source)
        except ConflictError:
            if self._part_of() is not None:  # the whole of it was taken back, not only this
                raise
            return self._enqueue(lambda: (new, now), source)

    def _may_share(self, new: Sequence[NewTask[Any]]) -> bool:
        """Whether somebody writes, and then others may be waiting, too, and it can be for all."""
        return (
            (self._together.is_at_work or self.database.is_busy())
            and 0 < len(new) <= FEW
            and all(task.unique is None for task in new)
            and not any(
                isinstance(p, NewTask) for task in new for p in (*task.after, *task.after_any)
            )
            and not self.after_commit
            and self._part_of() is None
            and not in_turn()
            and not is_traced()  # what is enqueued in a span is stored in it
        )

    def _enqueue(self, ask: Callable[[], Asked], source: TaskSource | None = None) -> list[Row]:
        self.database.reserve.refuse_when_low()
        asked: Asked | None = None
        rows: list[Row] = []
        try:
            with self.writing() as transaction:
                asked = ask()
                rows = enqueue(transaction, asked[0], now=asked[1])
                look(transaction, rows, source)
        except CommitUnknownError:
            if asked is None:
                raise
            return self._look_again(*asked, rows, source)
        return rows

    def _look_again(
        self,
        new: Sequence[NewTask[Any]],
        now: datetime,
        rows: list[Row],
        source: TaskSource | None,
    ) -> list[Row]:
        try:
            # A commit after it writes over whatever the first has left in SQLite's WAL.
            with self.writing() as transaction:
                if not has_arrived(transaction, new, rows):
                    before = [row["reserved"] if "reserved" in row else row["id"] for row in rows]
                    rows = enqueue(transaction, new, now=now, before=before)
                    look(transaction, rows, source)
        except CommitUnknownError:
            raise
        except DatabaseError as error:  # it could not be looked up
            raise CommitUnknownError(
                f"{error}; it is not known whether the last commit was stored", hint=error.hint
            ) from error
        except IntegrityError:  # on a server the first one went on: now the ids are there
            pass
        return rows

    def reading(self) -> contextlib.AbstractContextManager[Connection]:
        """A transaction that reads: the joined one, or one of its own."""
        joined = self._part_of()
        return self.database.reading() if joined is None else contextlib.nullcontext(joined)

    def read(self, call: Callable[..., R], *values: Any, **named: Any) -> R:
        """Call a function of the storage in a transaction that reads."""
        with self.reading() as transaction:
            return call(transaction, *values, **named)

    def relocate(self, location: str | os.PathLike[str]) -> str:
        """Give out transactions on another database from now on; returns the place of this one.

        Raises:
            DatabaseError: the location has no meaning.
        """
        before = self._database
        if location == before.location:  # as for each task of a child process
            return before.location
        database = Database(location)
        if database.location != before.location:
            before.close()
            self._database, self._is_open = database, False
        return before.location

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        self._database.close()
