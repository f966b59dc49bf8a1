"""The database as two kinds of transactions, reading and writing; the only `if dialect`."""

import contextlib
import os
import weakref
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, RootTransaction, create_engine, event, func, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from jobrunner.core.errors import CommitUnknownError, DatabaseError
from jobrunner.storage import rebuild, sqlite, trouble
from jobrunner.storage.reserve import Reserve
from jobrunner.storage.tables import tasks
from jobrunner.storage.turnstile import Turnstile
from jobrunner.storage.watch import ChangeWatch

BEGIN: Final = "jobrunner_begin"

_databases: "weakref.WeakSet[Database]" = weakref.WeakSet()


class Database:
    """One database. Connections are made on first use and shared by all threads."""

    def __init__(self, location: str | os.PathLike[str]) -> None:
        """`location` is the path of an SQLite file or a database URL.

        Raises:
            DatabaseError: the location has no meaning, or its driver is not installed.
        """
        self.url = parse_location(location)
        self.path: Path | None = None
        self._turnstile: Turnstile | None = None
        if self.is_sqlite:
            self.path = Path(self.url.database or "").absolute()
            if _is_folder(self.path):
                raise DatabaseError(f"{self.path} is a folder", hint="Name a file in it with --db.")
            self.url = self.url.set(database=str(self.path))
            self._turnstile = Turnstile(self.path.with_name(self.path.name + ".lock"))
        self.reserve = Reserve(self.path)
        self._engine = self._create_engine()
        self._writer = self._engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})
        _databases.add(self)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is an SQLite file."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def location(self) -> str:
        """The URL with all that it takes to open the database again."""
        return self.url.render_as_string(hide_password=False)

    @property
    def name(self) -> str:
        """The database as people may see it, without a password."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)

    def _create_engine(self) -> Engine:
        turnstile = self._turnstile
        if turnstile is None:
            try:
                return create_engine(self.url, pool_pre_ping=True)
            except ModuleNotFoundError as error:
                raise DatabaseError(
                    f"the driver for {self.name} is not installed",
                    hint="Install the extra: durable-jobrunner[postgres].",
                ) from error
        driver = sqlite.choose_driver()
        engine = create_engine(
            self.url,
            module=driver,
            connect_args={"check_same_thread": False},
            pool_size=8,
            pool_use_lifo=True,  # the connection used last has the warmest cache
            max_overflow=-1,
        )

        @event.listens_for(engine, "connect")
        def _connect(connection: Any, _record: object) -> None:
            sqlite.prepare(connection, turnstile.turn)

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            if statement := connection.get_execution_options().get(BEGIN, "BEGIN"):
                connection.exec_driver_sql(statement)

        return engine

    @contextlib.contextmanager
    def reading(self) -> Generator[Connection]:
        """A transaction that only reads: one consistent view, never upgraded to a write."""
        with self._told(), self._engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def outside(self) -> Generator[Connection]:
        """A connection in no transaction, for what SQLite does in none, such as VACUUM."""
        with self._told(), self._engine.connect() as connection:
            yield connection.execution_options(**{BEGIN: ""})

    @contextlib.contextmanager
    def writing(self, *, rebuilds: bool = False) -> Generator[Connection]:
        """A transaction that writes, committed at the end: all of it or nothing.

        With `rebuilds` it may drop a table and make it anew, and must check references itself.
        """
        with self._told(), self._writer.connect() as connection, self._turn(connection):
            if rebuilds and self.is_sqlite:
                rebuild.allow(connection)
            transaction = connection.begin()
            try:
                yield connection
            except BaseException:
                transaction.rollback()
                raise
            self._commit(connection, transaction)

    @contextlib.contextmanager
    def _turn(self, connection: Connection) -> Generator[None]:
        if self._turnstile is None:
            yield
            return
        with self._turnstile.turn() as in_turn:
            driver = connection.connection.driver_connection
            with contextlib.nullcontext() if in_turn else sqlite.without_checkpoint(driver):
                yield

    def _commit(self, connection: Connection, transaction: RootTransaction) -> None:
        try:
            transaction.commit()
        except DBAPIError as error:
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

    def watch(self) -> ChangeWatch:
        """A cheap way to see that somebody has committed."""
        with self._told():
            connection = self._engine.connect()
            driver = connection.connection.driver_connection if self.is_sqlite else None
            return ChangeWatch(connection, driver)

    @contextlib.contextmanager
    def _told(self) -> Generator[None]:
        """Turn a driver's error into a sentence and a next step."""
        try:
            yield
        except DBAPIError as error:
            if error.connection_invalidated or trouble.is_trouble(error):
                raise trouble.explain(error, self.name, full=self.reserve.is_needed()) from error
            raise

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
        self._engine.dispose()
        if self._turnstile:
            self._turnstile.close()

    def forget(self) -> None:
        """Drop connections inherited through a fork without touching the parent's."""
        self._engine.dispose(close=False)
        if self._turnstile:
            self._turnstile.forget()


def parse_location(location: str | os.PathLike[str]) -> URL:
    """Read a path or a database URL.

    Raises:
        DatabaseError: it is neither, or a database of another kind.
    """
    name = os.fspath(location)
    hint = "Give the path of an SQLite file, sqlite:///PATH, or postgresql://HOST/NAME."
    try:
        url = make_url(name) if "://" in name else URL.create("sqlite", database=name)
        backend = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise DatabaseError("the database URL cannot be read", hint=hint) from error
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise DatabaseError(f"databases of kind {backend!r} are not supported", hint=hint)
    if not url.database or url.database == ":memory:":
        raise DatabaseError("a queue cannot live in memory: workers share it", hint=hint)
    return url.set(drivername="sqlite")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # somebody else's: told when it cannot be opened
        return False


def reserve_ids(transaction: Connection, count: int) -> range:
    """Reserve `count` task ids in one go, so that bulk inserts need no RETURNING."""
    if transaction.dialect.name == "sqlite":
        last = transaction.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'tasks'"))
        first = (last or 0) + 1
        return range(first, first + count)
    sequence = func.nextval(func.pg_get_serial_sequence(tasks.name, "id"))
    ids = transaction.scalars(select(sequence).select_from(func.generate_series(1, count))).all()
    return range(ids[0], ids[-1] + 1)


def damage(transaction: Connection) -> Iterator[str]:
    """What SQLite finds wrong with pages and references, a sentence each; a server does that."""
    return sqlite.damage(transaction) if transaction.dialect.name == "sqlite" else iter(())


def rebuilding(transaction: Connection) -> contextlib.AbstractContextManager[None]:
    """What a migration runs in, inside a transaction that `rebuilds`; see `rebuild.watched`."""
    if transaction.dialect.name == "sqlite":
        return rebuild.watched(transaction)
    return contextlib.nullcontext()


def _forget_all() -> None:
    for database in list(_databases):
        database.forget()


os.register_at_fork(after_in_child=_forget_all)
