"""What SQLite itself allows: the yardstick, by the library and at the durability of jobrunner."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.peers import protocol
from jobrunner.storage import sqlite

BATCH = int(os.environ.get("PEER_BATCH", "100"))
"""Tasks claimed in one transaction, and finished in the next."""
SCHEMA = """
CREATE TABLE t (id INTEGER PRIMARY KEY, status TEXT NOT NULL, queue TEXT NOT NULL,
  priority INTEGER NOT NULL, run_at INTEGER NOT NULL, attempt INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL, worker TEXT, token INTEGER, created_at INTEGER NOT NULL,
  started_at INTEGER, finished_at INTEGER, function TEXT, args TEXT, kwargs TEXT, result TEXT
) STRICT;
CREATE INDEX pending ON t (priority DESC, id) WHERE status = 'pending';
"""
INSERT = """
INSERT INTO t (status, queue, priority, run_at, attempt, max_attempts, created_at, function, args)
VALUES ('pending', 'default', 0, ?, 0, 5, ?, 'perform', ?)
"""
CLAIM = f"""
UPDATE t SET status = 'in_progress', attempt = attempt + 1, token = ? WHERE id IN
  (SELECT id FROM t WHERE status = 'pending' ORDER BY priority DESC, id LIMIT {BATCH})
RETURNING id
"""  # noqa: S608 - a number of our own
FINISH = "UPDATE t SET status = 'completed', result = ?, token = NULL WHERE id = ? AND token = ?"


def opened(url: str) -> Any:
    """A connection at FULL."""
    connection: Any = sqlite.choose_driver().connect(
        f"{url}/queue.db", timeout=30, isolation_level=None, check_same_thread=False
    )
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


class Raw:
    """A table and an index as simple as they can be; no graph, no history, no wake-up."""

    def install(self, url: str) -> None:
        """Make the table."""
        opened(url).executescript(SCHEMA)

    def fill(self, url: str, payloads: Sequence[str], _shape: str) -> float:
        """Insert by `executemany` in one transaction."""
        connection = opened(url)
        rows = [(0, 0, one) for one in payloads]

        def insert() -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(INSERT, rows)
            connection.execute("COMMIT")

        return protocol.timed(insert)

    def single(self, url: str, each: protocol.Each) -> object:
        """A transaction with one row, over a connection a thread."""
        own = threading.local()

        def insert(payload: str) -> None:
            if not hasattr(own, "connection"):
                own.connection = opened(url)
            connection = own.connection
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(INSERT, (0, 0, payload))
            connection.execute("COMMIT")

        return each(insert)

    def work(self, url: str, started: Callable[[], None]) -> None:
        """Claim a batch and finish it, in two transactions."""
        connection = opened(url)
        started()
        token = 0
        while True:
            token += 1
            connection.execute("BEGIN IMMEDIATE")
            claimed = connection.execute(CLAIM, (token,)).fetchall()
            connection.execute("COMMIT")
            if not claimed:
                time.sleep(0.01)
                continue
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(FINISH, [('"ok"', task_id, token) for (task_id,) in claimed])
            connection.execute("COMMIT")


CONTESTANT = Raw()
