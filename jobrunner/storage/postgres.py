"""What PostgreSQL needs: limits in time, a schema, and how values travel."""

import contextlib
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, func, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from jobrunner.core.errors import DatabaseError
from jobrunner.storage import notices
from jobrunner.storage.notices import Listener, NoticeWatch, Notifier

SESSION: Final = {
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}
"""No statement, no wait for a lock, no transaction that does nothing lasts longer."""

CONNECTION: Final = {
    "application_name": "jobrunner",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""A server that does not answer any more is noticed within 25 s (libpq's own names; seconds,
the last one milliseconds)."""

POOL: Final = {"pool_size": 5, "max_overflow": 15, "pool_use_lifo": True, "pool_pre_ping": True}
MIGRATING: Final = 0x6A6F6272
"""The advisory lock of whoever migrates, in the migrating transaction only."""

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,47}")


class Address(NamedTuple):
    """A server's database, and what of it is ours. `listen` is `None` where nobody is to listen."""

    url: URL
    schema: str | None
    listen: URL | None

    @property
    def channels(self) -> str:
        """What the names of the channels of this schema begin with."""
        return f"jobrunner_{self.schema}" if self.schema else "jobrunner"


def read(url: URL) -> Address:
    """Take our own words out of a URL: `schema`, `notify=off`, `listen_url`.

    Raises:
        DatabaseError: one of them has no meaning.
    """
    query = dict(url.query)
    schema = _word(query.pop("schema", None), "schema", _NAME)
    notify = _word(query.pop("notify", None), "notify", re.compile("on|off")) or "on"
    listen_url = query.pop("listen_url", None)
    # A later word of `options` wins: the user's own come last.
    own = SESSION | ({"search_path": schema} if schema else {})
    options = [*(f"-c {name}={value}" for name, value in own.items()), query.get("options", "")]
    query = {**CONNECTION, **query, "options": " ".join(map(str, options)).strip()}
    try:
        listen = make_url(str(listen_url)) if listen_url else url
    except ArgumentError as error:
        raise DatabaseError("the listen_url cannot be read", hint="Give a database URL.") from error
    if notify == "off":
        return Address(url.set(query=query), schema, None)
    rest = {name: value for name, value in listen.query.items() if name not in OWN}
    listen = listen.set(drivername="postgresql+psycopg", query={**CONNECTION, **rest})
    return Address(url.set(query=query), schema, listen)


OWN: Final = ("schema", "notify", "listen_url")


def _word(value: Any, name: str, allowed: re.Pattern[str]) -> str | None:
    if value is None or (isinstance(value, str) and allowed.fullmatch(value)):
        return value
    raise DatabaseError(
        f"{name}={value!r} has no meaning",
        hint="A schema is named by small letters, digits and _; notify is on or off.",
    )


class Server:
    """A database on a server: its connections, and who is woken through it."""

    def __init__(self, url: URL) -> None:
        """Nothing is connected yet.

        Raises:
            DatabaseError: a word of the URL has no meaning, or the driver is not installed.
        """
        self.address = read(url)
        self.engine = _engine(self.address.url, **POOL)
        self._notifier = Notifier(self.address.channels)
        self._listeners: dict[str, Listener] = {}

    def notify(self, connection: Connection) -> None:
        """Tell others what a transaction has led to; it has ended."""
        news = notices.taken(connection)
        if news and self.address.listen is not None:
            # Whoever is not told finds it by himself, if later.
            with contextlib.suppress(self.engine.dialect.loaded_dbapi.Error):
                self._notifier.tell(connection.connection.driver_connection, news)

    def watch(self, topic: str, queues: Iterable[str]) -> NoticeWatch:
        """See notices of a topic, and of these queues if any is named."""
        listen = self.address.listen
        if listen is None:
            return NoticeWatch(frozenset())
        if topic not in self._listeners:
            # Nothing to roll back: it listens, each statement for itself, until it is cut.
            engine = _engine(listen, poolclass=NullPool, pool_reset_on_return=None)
            self._listeners[topic] = Listener(engine, f"{self.address.channels}_{topic}")
        return self._listeners[topic].watch(frozenset(queues))

    def close(self) -> None:
        """Listen no more; the next watch does."""
        listeners, self._listeners = self._listeners, {}
        for listener in listeners.values():
            listener.close()

    def forget(self) -> None:
        """In a forked child: the threads are the parent's."""
        self._listeners = {}


def _engine(url: URL, **options: Any) -> Engine:
    try:
        engine = create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise DatabaseError(
            "the driver for PostgreSQL is not installed",
            hint="Install the extra: durable-jobrunner[postgres].",
        ) from error
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    """Send every integer as 64 bits.

    By default its size is that of its value, and each mixture of sizes would be a statement of
    its own to prepare.
    """
    from psycopg.types.numeric import Int8Dumper  # noqa: PLC0415 — only who uses it has it

    connection.adapters.register_dumper(int, Int8Dumper)


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
    transaction.execute(select(func.pg_advisory_xact_lock(MIGRATING)))
    if schema:
        transaction.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
