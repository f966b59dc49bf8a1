"""What attempts have written: a row each while they run, in the history once they have ended."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BindParameter,
    Connection,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from jobrunner.core.errors import TaskNotFoundError
from jobrunner.core.outcome import Ended
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId, Token, may_be_id
from jobrunner.core.written import Written, since
from jobrunner.storage.chunks import chunks
from jobrunner.storage.tables import attempts, tasks
from jobrunner.storage.traces import output


class Row(NamedTuple):
    """What a running attempt has written so far."""

    task_id: TaskId
    token: Token
    stdout: str
    stderr: str


# Not waited for: whoever locks a task settles it, and may wait for another that we have locked
# (guarded by test_what_is_stored_waits_for_no_settlement).
_HELD: Final = exists(
    select(tasks.c.id)
    .where(tasks.c.id == bindparam("task"), tasks.c.token == bindparam("held_token"))
    .with_for_update(read=True, skip_locked=True)
)


def save(transaction: Connection, rows: Iterable[Row], *, now: datetime) -> None:
    """Store what running attempts have written so far, of those whose leases hold.

    One whose lease is gone, or that is settled right now, is left out.
    """
    for row in rows:
        fence = {"task": row.task_id, "held_token": row.token}
        values = {**row._asdict(), "updated_at": now}
        changed = update(output).where(output.c.task_id == row.task_id, _HELD).values(values)
        if transaction.execute(changed, fence).rowcount:
            continue
        fresh = select(*(literal(value, output.c[name].type) for name, value in values.items()))
        missing = ~exists().where(output.c.task_id == row.task_id)
        transaction.execute(
            insert(output).from_select(list(values), fresh.where(_HELD, missing)), fence
        )


_THESE: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_FORGET: Final = delete(output).where(output.c.task_id.in_(_THESE))


def forget(transaction: Connection, ids: Sequence[TaskId]) -> None:
    """Delete the rows of tasks whose attempts are settled in this transaction."""
    for some in chunks(ids):
        transaction.execute(_FORGET, {"ids": some})


def keep(transaction: Connection, ended: Iterable[Ended]) -> None:
    """Put what attempts have written into the history, which tells their ends already."""
    for end in ended:
        if end.output is not None:
            own = update(attempts).where(
                attempts.c.task_id == end.lease.task_id, attempts.c.token == end.lease.token
            )
            written = {"stdout": end.output.stdout, "stderr": end.output.stderr}
            transaction.execute(own.values(written))


_OF_IT: Final = attempts.c.task_id == bindparam("task")
_RUNNING: Final = (
    select(tasks.c.status, tasks.c.attempt, output.c.stdout, output.c.stderr)
    .outerjoin(output, (output.c.task_id == tasks.c.id) & (output.c.token == tasks.c.token))
    .where(tasks.c.id == bindparam("task"))
)
_RUNS: Final = select(func.count()).select_from(attempts).where(_OF_IT)
_ENDED: Final[Sequence[Any]] = [
    attempts.c[name] for name in ("number", "outcome", "stdout", "stderr", "traceback")
]


def written(
    transaction: Connection, task_id: int, *, run: int | None = None, stdout: int, stderr: int
) -> Written:
    """What one attempt has written behind offsets: that of a run, or the newest.

    Raises:
        TaskNotFoundError: there is no such task.
    """
    found = transaction.execute(_RUNNING, {"task": task_id}).first() if may_be_id(task_id) else None
    if found is None:
        raise TaskNotFoundError(task_id)
    task, status = TaskId(task_id), Status(found.status)
    runs: int = transaction.scalar(_RUNS, {"task": task_id}) or 0
    is_running = status is Status.IN_PROGRESS
    if run is None:
        run = runs if is_running else runs - 1
    if run == runs and is_running:
        return Written(
            task_id=task,
            status=status,
            run=run,
            number=found.attempt,
            stdout=since(found.stdout or "", stdout),
            stderr=since(found.stderr or "", stderr),
        )
    if not 0 <= run < runs:
        return Written(task_id=task, status=status)
    query = select(*_ENDED).where(_OF_IT).order_by(attempts.c.id).offset(run).limit(1)
    one = transaction.execute(query, {"task": task_id}).one()
    return Written(
        task_id=task,
        status=status,
        run=run,
        number=one.number,
        outcome=one.outcome,
        stdout=since(one.stdout or "", stdout),
        stderr=since(one.stderr or "", stderr),
        traceback=one.traceback,
    )
