"""The database as two kinds of transactions, reading and writing: a file, or on a server."""

import contextlib
import os
import weakref
from collections.abc import Generator, Iterable
from datetime import datetime
from functools import cached_property
from pathlib import Path

from sqlalchemy import Connection, RootTransaction, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from jobrunner.core.errors import CommitUnknownError, DatabaseError
from jobrunner.storage import bell, moves, notices, postgres, rebuild, sqlite, trouble
from jobrunner.storage import location as locations
from jobrunner.storage.gate import NoRoomError, going_first
from jobrunner.storage.reserve import Reserve
from jobrunner.storage.turnstile import Turnstile, alone
from jobrunner.storage.watch import ChangeWatch, Watch

_databases: "weakref.WeakSet[Database]" = weakref.WeakSet()


class Database:
    """One database. Connections are made on first use and shared by all threads."""

    def __init__(self, location: str | os.PathLike[str]) -> None:
        """`location` is the path of an SQLite file or a database URL.

        Raises:
            DatabaseError: the location has no meaning, or its driver is not installed.
        """
        self.url = locations.parse(location)
        self.path = locations.file_of(self.url)
        self.reserve = Reserve(self.path)
        self._turnstile: Turnstile | None = None
        self._server: postgres.Server | None = None
        if self.path is not None:
            self._turnstile = Turnstile(self.path.with_name(self.path.name + ".lock"))
            self._engine = sqlite.open_engine(self.url, self._turnstile.turn)
            self._reader = self._engine.execution_options()
            self._writer = self._engine.execution_options(**{sqlite.BEGIN: "BEGIN IMMEDIATE"})
        else:
            self._server = postgres.Server(self.url)
            self._engine = self._server.engine
            # By its name: a server may have another default, in which a statement does not see
            # what was committed while it waited for a lock
            # (guarded by test_a_dependent_is_released_whatever_isolation_a_database_has).
            self._writer = self._engine.execution_options(isolation_level="READ COMMITTED")
            self._reader = self._engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        _databases.add(self)

    @property
    def location(self) -> str:
        """The URL with all that it takes to open the database again."""
        return self.url.render_as_string(hide_password=False)

    @property
    def name(self) -> str:
        """The database as people may see it, without a password."""
        return str(self.path) if self.path else locations.name_of(self.url)

    @cached_property
    def lock_folder(self) -> Path:
        """Where the workers of this host keep the locks that show their life."""
        return Path(f"{self.path}.workers") if self.path else postgres.lock_folder(self.name)

    @contextlib.contextmanager
    def reading(self) -> Generator[Connection]:
        """A transaction that only reads: one consistent view, never upgraded to a write."""
        with self._told(), self._passed(), self._reader.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def outside(self) -> Generator[Connection]:
        """A connection in no transaction, for what SQLite does in none, such as VACUUM."""
        with self._told(), self._engine.connect() as connection:
            yield connection.execution_options(**{sqlite.BEGIN: ""})

    @contextlib.contextmanager
    def writing(
        self, *, rebuilds: bool = False, watch: Watch | None = None
    ) -> Generator[Connection]:
        """A transaction that writes, committed at the end: all of it or nothing.

        With `rebuilds` it may drop a table and make it anew, and must check references itself.
        For `watch`, a file's, what it commits is no news, nor what others had before; whoever is
        out of patience may commit in between, and rings.
        """
        with self._told(), self._passed(), self._writer.connect() as connection:
            with self._turn(connection) as in_turn:
                if rebuilds and self._server is None:
                    rebuild.allow(connection)
                notices.taken(connection)  # of one that failed: there is nothing to tell
                transaction = connection.begin()
                try:
                    if rebuilds and self._server is not None:
                        postgres.allow_migration(connection, self._server.address.schema)
                    yield connection
                except BaseException:
                    transaction.rollback()
                    raise
                if self._server is not None and self._server.has_failed(connection):
                    transaction.rollback()
                    raise DatabaseError(
                        "a statement of this transaction had failed; nothing of it was stored",
                        hint="Let its error out of the block.",
                    )
                self._commit(connection, transaction)
                if watch is not None and in_turn:  # and nobody else has committed since
                    watch.changed()
            self._tell(connection)  # who is woken is to write at once: it is nobody's turn now

    def _tell(self, connection: Connection) -> None:
        if self._server is not None:
            self._server.notify(connection)
        elif self._turnstile is not None and notices.lead_to_work(connection):
            bell.ring(self._turnstile.path)

    @property
    def is_served(self) -> bool:
        """Whether a server does the work of the statements, while this process can do its own."""
        return self._server is not None

    def is_busy(self) -> bool:
        """Whether a thread of this process writes, and others would wait; on a server none does."""
        return self._turnstile is not None and self._turnstile.is_taken()

    def _passed(self) -> contextlib.AbstractContextManager[None]:
        return self._server.gate.passed() if self._server else contextlib.nullcontext()

    @contextlib.contextmanager
    def _turn(self, connection: Connection) -> Generator[bool]:
        """Yields whether all others wait until it is over."""
        if self._turnstile is None:
            with alone(self.name):
                yield False
            return
        with self._turnstile.turn() as in_turn:
            driver = connection.connection.driver_connection
            with contextlib.nullcontext() if in_turn else sqlite.without_checkpoint(driver):
                yield in_turn

    def _commit(self, connection: Connection, transaction: RootTransaction) -> None:
        try:
            transaction.commit()
        except DBAPIError as error:
            if not error.connection_invalidated:
                with contextlib.suppress(self._engine.dialect.loaded_dbapi.Error):
                    connection.connection.rollback()  # while it is still our turn
            # Its frames may have reached the disk all the same, and come to light at the next
            # recovery (guarded by test_a_commit_that_raised_is_told_as_unknown).
            if trouble.is_full(error):  # the commit's last frame was not written
                raise trouble.explain(error, self.name) from error
            reason = trouble.explain(error, self.name, full=self.reserve.is_needed())
            raise CommitUnknownError(
                f"{reason}; it is not known whether the last commit was stored", hint=reason.hint
            ) from error

    def watch(self, topic: str = notices.WORK, queues: Iterable[str] = ()) -> Watch:
        """A cheap way to see that somebody has committed: on a server, what is news to a topic.

        `queues` are those whose work is waited for, all if none is named.
        """
        if self._server is not None:
            return self._server.watch(topic, queues)
        with self._told():
            connection = self._engine.connect()
            driver = connection.connection.driver_connection
            descriptor = None
            if self._turnstile is not None and topic == notices.WORK:
                descriptor = bell.listen(self._turnstile.path)
            return ChangeWatch(connection, driver, descriptor=descriptor)

    def server_time(self) -> datetime | None:
        """The present moment by the server's clock, `None` for a file: there it is ours."""
        if self._server is None:
            return None
        # Whoever asks may have a connection already, and wait with it for another one.
        with going_first(), self.reading() as connection:
            return connection.scalar(select(func.clock_timestamp()))

    def hears_itself(self) -> bool | None:
        """Whether a notification arrives where this process listens; `None` where none is sent.

        Raises:
            DatabaseError: there is nobody to listen to.
        """
        if self._server is None:
            return None
        with self._told():
            return self._server.hears_itself()

    @contextlib.contextmanager
    def _told(self) -> Generator[None]:
        """Turn a driver's error into a sentence and a next step."""
        try:
            yield
        except IntegrityError:
            with self.reading() as connection:  # a closed database refuses like a constraint
                moves.refuse(connection, self.name)
            raise
        except DBAPIError as error:
            if error.connection_invalidated or trouble.is_trouble(error):
                raise trouble.explain(error, self.name, full=self.reserve.is_needed()) from error
            raise
        except NoRoomError as error:
            raise trouble.no_connection_left(self.name) from error

    def look_over(self) -> None:
        """Refuse a damaged file before work begins; a large one is left to `db check`.

        Raises:
            DatabaseDamagedError: it is damaged.
        """
        if self.path is None or self.path.stat().st_size > sqlite.LOOKED_OVER_UP_TO:
            return
        with self.reading() as connection:
            found = sqlite.quick_damage(connection)
        if found is not None:
            raise trouble.damaged(self.name, found)

    def close(self) -> None:
        """Close every connection; the next use opens new ones."""
        if self._server:
            self._server.close()
        self._engine.dispose()
        if self._turnstile:
            self._turnstile.close()

    def forget(self) -> None:
        """Drop connections inherited through a fork without touching the parent's."""
        self._engine.dispose(close=False)
        if self._turnstile:
            self._turnstile.forget()
        if self._server:
            self._server.forget()


def _forget_all() -> None:
    for database in list(_databases):
        database.forget()


os.register_at_fork(after_in_child=_forget_all)
