"""Tasks that have just been stored, from the rows that were written: of these none is looked up."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from jobrunner.core import lane, payload
from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskSource
from jobrunner.storage import reads
from jobrunner.storage.rows import Row
from jobrunner.storage.types import EPOCH


def look(transaction: Connection, rows: Sequence[Row], source: TaskSource | None) -> None:
    """Add the tasks that were there already to the rows that stand for them."""
    others = [row["id"] for row in rows if row["is_duplicate"] and "status" not in row]
    if not others or source is None:
        return
    found = {task.id: task for task in reads.get_many(transaction, others, source=source)}
    for row in rows:
        if row["id"] in found:
            row["task"] = replace(found[row["id"]], is_duplicate=True)


def as_stored(row: Row, source: TaskSource) -> Task[Any]:
    """The task of a new row, equal to what `reads.get` would find."""
    if "task" in row:
        there: Task[Any] = row["task"]
        return there
    timeout, finished_at, expires_at = row["timeout"], row["finished_at"], row["expires_at"]
    waits_in = lane.decode(row["lane"])
    return Task(
        id=row["id"],
        status=Status(row["status"]),
        queue=row["queue"],
        function=row["function"],
        command=tuple(payload.decode(row["command"])) if row["command"] else None,
        cwd=row["cwd"],
        args=tuple(payload.decode(row["args"]) or ()),
        kwargs=payload.decode(row["kwargs"]) or {},
        priority=row["priority"],
        description=row["description"],
        attempt=0,
        max_attempts=row["max_attempts"],
        crashes=0,
        timeout=None if timeout is None else timedelta(microseconds=timeout),
        created_at=EPOCH + timedelta(microseconds=row["created_at"]),
        run_at=EPOCH + timedelta(microseconds=row["run_at"]),
        finished_at=None if finished_at is None else EPOCH + timedelta(microseconds=finished_at),
        error=row["error"],
        after=row["after"],
        concurrency_key=waits_in.key,
        needs=waits_in.needs,
        unique_key=row["unique_key"],
        expires_at=None if expires_at is None else EPOCH + timedelta(microseconds=expires_at),
        batch_id=row["batch_id"],
        is_duplicate=row["is_duplicate"],
        source=source,
    )
