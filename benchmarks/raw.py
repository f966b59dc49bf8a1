"""What SQLite itself allows on this machine: the yardstick of the same run."""

import time
from pathlib import Path
from typing import Any

from jobrunner.storage import sqlite

SCHEMA = """
CREATE TABLE t (id INTEGER PRIMARY KEY, status TEXT NOT NULL, priority INTEGER NOT NULL,
  run_at INTEGER, attempt INTEGER, worker TEXT, token INTEGER, args TEXT, result TEXT) STRICT;
CREATE INDEX i ON t (priority DESC, id) WHERE status = 'pending';
"""
CLAIM = """
UPDATE t SET status = 'in_progress', attempt = attempt + 1, token = ? WHERE id IN
  (SELECT id FROM t WHERE status = 'pending' ORDER BY priority DESC, id LIMIT 100)
RETURNING id
"""
FINISH = "UPDATE t SET status = 'completed', result = ?, token = NULL WHERE id = ? AND token = ?"


def _open(path: Path) -> Any:
    """A connection with the settings of the product."""
    connection: Any = sqlite.choose_driver().connect(path)
    sqlite.prepare(connection, sqlite.Turnstile(path.with_suffix(".lock")))
    connection.executescript(SCHEMA)
    return connection


def batches(folder: Path, tasks: int) -> float:
    """Claim 100 and finish 100 in one transaction each, tasks a second, at FULL."""
    connection = _open(folder / "raw.db")
    rows = [("pending", 0, 0, 0, '["' + "x" * 90 + '"]') for _ in range(tasks)]
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "INSERT INTO t (status, priority, run_at, attempt, args) VALUES (?, ?, ?, ?, ?)", rows
    )
    connection.execute("COMMIT")
    began = time.perf_counter()
    claimed: list[tuple[int]] = []
    token = 0
    while True:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(FINISH, [('"ok"', task_id, token) for (task_id,) in claimed])
        token += 1
        claimed = connection.execute(CLAIM, (token,)).fetchall()
        connection.execute("COMMIT")
        if not claimed:
            break
    rate = tasks / (time.perf_counter() - began)
    connection.close()
    return rate


def commits(folder: Path, tasks: int) -> float:
    """Single-row inserts, each durable, a second."""
    connection = _open(folder / "commits.db")
    began = time.perf_counter()
    for _ in range(tasks):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t (status, priority) VALUES ('pending', 0)")
        connection.execute("COMMIT")
    rate = tasks / (time.perf_counter() - began)
    connection.close()
    return rate
