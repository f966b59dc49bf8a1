"""What PostgreSQL needs: connections, notices, a place for locks, and how values travel."""

import contextlib
import hashlib
import os
import secrets
import select as sockets
import stat
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Engine,
    NullPool,
    create_engine,
    event,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import URL, ExceptionContext

from jobrunner.core.errors import DatabaseError
from jobrunner.storage import notices
from jobrunner.storage.address import read
from jobrunner.storage.gate import Gate
from jobrunner.storage.listen import Listener, NoticeWatch
from jobrunner.storage.notices import Notifier

POOL: Final = {"pool_size": 5, "max_overflow": -1, "pool_use_lifo": True, "pool_pre_ping": True}
"""Connections that are kept; how many there are at a time is for the gate to say."""

OLDEST: Final = 140_000
"""The oldest server that has all we ask for, as PostgreSQL numbers its versions."""

_ENDED: Final = ("08", "57P0", "25P03", "25P04")
"""SQLSTATEs of a session that is over: the connection, the server, a transaction left open."""

HEARD_WITHIN: Final = 5.0
"""Seconds."""

MIGRATING: Final = 0x6A6F6272
"""The advisory lock of whoever migrates, in the migrating transaction only."""


class Server:
    """A database on a server: its connections, and who is woken through it."""

    def __init__(self, url: URL) -> None:
        """Nothing is connected yet.

        Raises:
            DatabaseError: a word of the URL has no meaning, or the driver is not installed.
        """
        self.address = read(url)
        arguments = {} if self.address.prepares else {"prepare_threshold": None}
        self.engine = _engine(self.address.url, connect_args=arguments, **POOL)
        self.gate = Gate()
        self._notifier = Notifier(self.address.channels)
        self._listeners: dict[str, Listener] = {}
        self._listening = threading.Lock()

    def notify(self, connection: Connection) -> None:
        """Tell others what a transaction has led to; it has ended."""
        news = notices.taken(connection)
        if news and self.address.listen is not None:
            try:
                self._notifier.tell(connection.connection.driver_connection, news)
            except BaseException as error:
                connection.invalidate()  # it may commit by itself, whatever it is asked next
                # Whoever is not told finds it by himself, if later.
                if not isinstance(error, self.engine.dialect.loaded_dbapi.Error):
                    raise

    def has_failed(self, connection: Connection) -> bool:
        """Whether a COMMIT would roll back, and say nothing of it."""
        if connection.invalidated:
            return True
        from psycopg.pq import TransactionStatus  # noqa: PLC0415 — as below

        driver: Any = connection.connection.driver_connection
        status: int = driver.info.transaction_status
        return status == TransactionStatus.INERROR

    def watch(self, topic: str, queues: Iterable[str]) -> NoticeWatch:
        """See notices of a topic, and of these queues if any is named."""
        listen = self.address.listen
        if listen is None:
            return NoticeWatch(frozenset())
        with self._listening:
            if topic not in self._listeners:
                channel = f"{self.address.channels}_{topic}"
                self._listeners[topic] = Listener(_ear(listen), channel)
            return self._listeners[topic].watch(frozenset(queues))

    def hears_itself(self) -> bool | None:
        """Whether what is told here is heard there; `None` where nobody is to listen."""
        if self.address.listen is None:
            return None
        channel = f"{self.address.channels}_{secrets.token_hex(8)}"
        with _ear(self.address.listen).connect() as listening:
            driver: Any = listening.connection.driver_connection
            driver.autocommit = True
            driver.execute(f'LISTEN "{channel}"')
            with self.engine.begin() as telling:
                telling.execute(select(func.pg_notify(channel, "")))
            return bool(list(driver.notifies(timeout=HEARD_WITHIN, stop_after=1)))

    def close(self) -> None:
        """Listen no more; the next watch does."""
        with self._listening:
            listeners, self._listeners = self._listeners, {}
        for listener in listeners.values():
            listener.close()

    def forget(self) -> None:
        """In a forked child: the threads are the parent's, and may have held any lock."""
        self.gate = Gate()
        self._notifier = Notifier(self.address.channels)
        self._listeners = {}
        self._listening = threading.Lock()


def _ear(url: URL) -> Engine:
    """To listen on: nothing to roll back, each statement for itself, until it is cut."""
    return _engine(url, poolclass=NullPool, pool_reset_on_return=None)


def _engine(url: URL, **options: Any) -> Engine:
    try:
        engine = create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise DatabaseError(
            "the driver for PostgreSQL is not installed",
            hint="Install the extra: durable-jobrunner[postgres].",
        ) from error
    ping = engine.dialect.do_ping

    def ping_in_doubt(driver: Any) -> bool:
        return is_quiet(driver) or ping(driver)

    vars(engine.dialect)["do_ping"] = ping_in_doubt  # the pool's, before each transaction
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "handle_error", _see_the_end)
    return engine


def is_quiet(driver: Any) -> bool:
    """Whether nothing has come on a connection that waits for nothing.

    A server that ends a session says so, and a kernel that gives one up marks it: only then it is
    worth a question, which costs a round trip. One that was cut off without a trace is found by
    the kernel's keepalives.
    """
    socket = sockets.poll()
    socket.register(driver.fileno(), sockets.POLLIN)
    return not socket.poll(0)


def _prepare(connection: Any, _record: object) -> None:
    """Refuse a server that cannot hold our rows, and send every integer as 64 bits.

    By default its size is that of its value, and each mixture of sizes would be a statement of
    its own to prepare.

    Raises:
        DatabaseError: it is too old, or keeps text in an encoding that has not every character.
    """
    encoding = connection.info.parameter_status("server_encoding")
    if connection.info.server_version < OLDEST:
        connection.close()
        raise DatabaseError("the server is older than PostgreSQL 14", hint="Use a newer one.")
    if encoding != "UTF8":
        connection.close()
        raise DatabaseError(
            f"the database keeps text as {encoding}, which does not hold every character",
            hint="Make it anew: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.",
        )
    from psycopg.types.numeric import Int8Dumper  # noqa: PLC0415 — only who uses it has it

    connection.adapters.register_dumper(int, Int8Dumper)


def _see_the_end(context: ExceptionContext) -> None:
    """A session that was ended from outside tells so before its connection is closed."""
    if str(getattr(context.original_exception, "sqlstate", "")).startswith(_ENDED):
        context.is_disconnect = True


def lock_folder(name: str) -> Path:
    """A folder of this user on this host, the same for all who use the database by this name.

    Where somebody else has taken its place, one that nobody shares: whoever could touch the
    locks could have living workers taken for dead.
    """
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"jobrunner-{os.getuid()}-{digest}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if is_ours and not found.st_mode & 0o077:
        return folder
    return Path(tempfile.mkdtemp(prefix="jobrunner-"))


def allow_migration(transaction: Connection, schema: str | None) -> None:
    """Let a transaction migrate: one at a time, for as long as it takes, in its own schema."""
    transaction.execute(text("SET LOCAL statement_timeout = 0"))
    transaction.execute(text("SET LOCAL lock_timeout = 0"))
    transaction.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    transaction.execute(select(func.pg_advisory_xact_lock(MIGRATING)))
    # Not IF NOT EXISTS: even where it does exist, that asks for the right to make one.
    if schema and not inspect(transaction).has_schema(schema):
        transaction.execute(text(f'CREATE SCHEMA "{schema}"'))
