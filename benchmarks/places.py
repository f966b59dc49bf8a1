"""Where the tasks of a contestant are: a folder of files, a PostgreSQL database, a Redis.

Filling a place is dear and is done once: the rounds work on copies.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol

import psycopg

from jobrunner.storage import sqlite
from tools.postgres import Server

START: Final = 10.0
"""Seconds within which a Redis has to be there."""
DURABLE_REDIS: Final = (
    *("--port", "0", "--save", "", "--daemonize", "no", "--loglevel", "warning"),
    *("--appendonly", "yes", "--appendfsync", "always"),
)
"""What Redis has to be told so that, as on the others, what was confirmed is on the disk."""

_numbers = count(1)


class Place(Protocol):
    """A place of its own for one measurement."""

    @property
    def url(self) -> str:
        """How the contestant finds it."""
        ...

    def number(self, question: str) -> float:
        """The answer to a question in the language of the place."""
        ...

    def execute(self, order: str) -> None:
        """Change what is there."""
        ...

    def pids(self) -> Iterator[int]:
        """The processes of a server that work for it."""
        ...

    def rest(self) -> None:
        """Be filled: from now on it is only copied."""
        ...

    def copy(self) -> "Place":
        """The same once more, while this one rests."""
        ...

    def close(self) -> None:
        """Be gone."""
        ...


class Folder:
    """A folder with an SQLite file `queue.db`."""

    def __init__(self, source: Path | None = None) -> None:
        """A copy of `source`, else empty."""
        self._path = Path(tempfile.mkdtemp(prefix="bench-"))
        self._eye: Any = None
        if source:
            shutil.copytree(source, self._path, dirs_exist_ok=True)
            os.sync()  # or the first commit on it pays for the copy

    @property
    def url(self) -> str:
        """The folder."""
        return str(self._path)

    def number(self, question: str) -> float:
        """Ask over a connection of our own, which holds nothing between two questions."""
        if self._eye is None:
            driver = sqlite.choose_driver()
            self._eye = driver.connect(self._path / "queue.db", timeout=30, isolation_level=None)
        ((answer,),) = self._eye.execute(question).fetchall()
        return float(answer or 0)

    def execute(self, order: str) -> None:
        """Run one statement of a filling, which needs no sync: a copy is synced."""
        self.number("SELECT 1")
        self._eye.execute("PRAGMA synchronous=OFF").fetchall()
        self._eye.execute(order).fetchall()

    def pids(self) -> Iterator[int]:
        """Yield nothing: there is no server."""
        yield from ()

    def rest(self) -> None:
        """Close what is open: the last connection to leave takes the WAL in."""
        if self._eye is not None:
            self._eye.close()
            self._eye = None

    def copy(self) -> "Folder":
        """A copy of the files."""
        return Folder(self._path)

    def close(self) -> None:
        """Delete it."""
        self.rest()
        shutil.rmtree(self._path, ignore_errors=True)


class PostgresDatabase:
    """A database on the common server."""

    def __init__(self, server: Server, template: str = "template1") -> None:
        """Nobody pays for another's checkpoint."""
        self._server = server
        self._name = f"bench_{next(_numbers)}"
        self._eye: psycopg.Connection | None = None
        self._as_root(f"CREATE DATABASE {self._name} TEMPLATE {template}", "CHECKPOINT")

    @property
    def url(self) -> str:
        """Its URL."""
        return self._server.url(self._name)

    def number(self, question: str) -> float:
        """Ask over a connection of our own."""
        row = self._connected().execute(question.encode()).fetchone()
        return float(row[0] or 0) if row else 0

    def execute(self, order: str) -> None:
        """Run one statement."""
        self._connected().execute(order.encode())

    def _connected(self) -> psycopg.Connection:
        if self._eye is None:
            self._eye = psycopg.connect(self.url, autocommit=True)
        return self._eye

    def pids(self) -> Iterator[int]:
        """The server's processes, those of other databases too: they are idle."""
        postmaster = int((self._server.data / "postmaster.pid").read_text().split()[0])
        yield postmaster
        for task in Path(f"/proc/{postmaster}/task").iterdir():
            yield from map(int, (task / "children").read_text().split())

    def rest(self) -> None:
        """Tidy up, as autovacuum would in time, and let go: a template has no sessions."""
        self.execute("VACUUM ANALYZE")
        if self._eye is not None:
            self._eye.close()
            self._eye = None

    def copy(self) -> "PostgresDatabase":
        """A copy made by the server."""
        return PostgresDatabase(self._server, self._name)

    def close(self) -> None:
        """Drop it."""
        if self._eye is not None:
            self._eye.close()
        self._as_root(f"DROP DATABASE {self._name} WITH (FORCE)")

    def _as_root(self, *orders: str) -> None:
        with psycopg.connect(self._server.dsn(), autocommit=True) as root:
            for order in orders:
                root.execute(order.encode())


class Redis:
    """A Redis server of its own on a unix socket; a question is a command in one line."""

    def __init__(self, source: Path | None = None) -> None:
        """Start on a copy of `source`, else empty."""
        self._path = Path(tempfile.mkdtemp(prefix="bench-"))
        if source:
            shutil.copytree(
                source, self._path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("socket")
            )
            os.sync()
        where = ["--dir", str(self._path), "--unixsocket", str(self._path / "socket")]
        self._server = subprocess.Popen(
            ["redis-server", *where, *DURABLE_REDIS],  # noqa: S607 - whichever is on PATH
            stdout=subprocess.DEVNULL,
        )
        self._wait()

    @property
    def url(self) -> str:
        """Its URL."""
        return f"unix://{self._path}/socket?db=0"

    def number(self, question: str) -> float:
        """Ask, and read a number, which begins with a colon."""
        answer = self._ask(question)
        if not answer.startswith(":"):
            raise RuntimeError(f"Redis says {answer}")
        return float(answer[1:])

    def execute(self, order: str) -> None:
        """Run one command."""
        self._ask(order)

    def _ask(self, line: str) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._path / "socket"))
            connection.sendall(line.encode() + b"\r\n")
            return connection.recv(4096).decode().strip()

    def _wait(self) -> None:
        until = time.monotonic() + START
        while time.monotonic() < until and self._server.poll() is None:
            try:
                if self._ask("PING") == "+PONG":
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError("redis-server does not start")

    def pids(self) -> Iterator[int]:
        """The server."""
        yield self._server.pid

    def rest(self) -> None:
        """Stop: its files are the template."""
        self._server.terminate()
        self._server.wait()

    def copy(self) -> "Redis":
        """Another server on a copy of the files."""
        return Redis(self._path)

    def close(self) -> None:
        """Stop and delete."""
        self.rest()
        shutil.rmtree(self._path, ignore_errors=True)


Ground = Callable[[], Place]
"""What makes an empty place."""
