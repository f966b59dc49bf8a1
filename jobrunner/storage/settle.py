"""Write down how attempts ended, if their leases still hold, with all that follows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, insert, literal_column, select, update

from jobrunner.core.backoff import Backoff
from jobrunner.core.outcome import NAMES, Ended, Failed, Outcome, Snoozed
from jobrunner.core.status import FINAL
from jobrunner.core.task import Lease, TaskId, Token, WorkerId
from jobrunner.core.verdict import Verdict, decide
from jobrunner.storage.dependents import settle_dependents
from jobrunner.storage.enqueue import chunks
from jobrunner.storage.prepared import Prepared
from jobrunner.storage.tables import attempts, micros, tasks


class Settled(NamedTuple):
    """An attempt's end and what it led to, as stored."""

    ended: Ended
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one call wrote, and what it refused because the lease was gone."""

    settled: list[Settled]
    refused: list[Ended]
    cancelled_dependents: list[tuple[TaskId, TaskId]]


_HELD: Final = (
    select(tasks.c.id, tasks.c.token, tasks.c.cancel_requested_at)
    .where(tasks.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update()
)

_SETTLE: Final = Prepared(
    update(tasks)
    .where(tasks.c.id == bindparam("task"), tasks.c.token == bindparam("held_token"))
    .values(
        status=bindparam("new_status"),
        attempt=bindparam("new_attempt"),
        crashes=bindparam("new_crashes"),
        run_at=bindparam("new_run_at"),
        started_at=bindparam("began_at"),
        finished_at=bindparam("over_at"),
        result=bindparam("new_result"),
        error=bindparam("new_error"),
        token=literal_column("NULL"),
    )
)

_RECORD: Final = Prepared(
    insert(attempts).inline(), [column.name for column in attempts.c if column.name != "id"]
)


def settle(
    transaction: Connection,
    ended: Sequence[Ended],
    *,
    worker_id: WorkerId,
    now: datetime,
    backoff: Backoff,
) -> Settlement:
    """Settle attempts of one worker: verdict, history, dependents, in one transaction.

    Every write is conditional on (task id, token). An attempt whose lease is gone changes
    nothing and is returned as refused: its task was rescued, cancelled or settled already.
    """
    if not ended:
        return Settlement([], [], [])
    held = _held(transaction, [end.lease for end in ended])
    settled: list[Settled] = []
    refused: list[Ended] = []
    for end in ended:
        lease = end.lease
        token, cancel = held.get(lease.task_id, (None, False))
        if token == lease.token:
            del held[lease.task_id]  # a lease that ends twice in one call ends once
            verdict = decide(lease, end.outcome, now=now, backoff=backoff, cancel=cancel)
            settled.append(Settled(end, verdict))
        else:
            refused.append(end)
    doomed = _write(transaction, settled, worker_id=worker_id, now=now) if settled else []
    return Settlement(settled, refused, doomed)


def _held(
    transaction: Connection, leases: Sequence[Lease]
) -> dict[TaskId, tuple[Token | None, bool]]:
    """The token each task has now, and whether its end was asked for."""
    return {
        task_id: (token, cancel is not None)
        for chunk in chunks([lease.task_id for lease in leases])
        for task_id, token, cancel in transaction.execute(_HELD, {"ids": chunk})
    }


def _write(
    transaction: Connection, settled: Sequence[Settled], *, worker_id: WorkerId, now: datetime
) -> list[tuple[TaskId, TaskId]]:
    over_at = micros(now)
    rows = [_task_row(end, verdict, over_at) for end, verdict in settled]
    written = _SETTLE.run(transaction, rows)
    if written != len(rows):  # the rows were locked above: this cannot be a lost race
        message = f"settled {written} tasks where {len(rows)} leases were held"
        raise AssertionError(message)
    _RECORD.run(transaction, list(_attempt_rows(settled, worker_id)))
    over = {
        end.lease.task_id: verdict.status for end, verdict in settled if verdict.status.is_final
    }
    return settle_dependents(transaction, over, now=now) if over else []


def _task_row(end: Ended, verdict: Verdict, over_at: int) -> dict[str, Any]:
    lease = end.lease
    return {
        "task": lease.task_id,
        "held_token": lease.token,
        "new_status": verdict.status.value,
        "new_attempt": verdict.attempt,
        "new_crashes": verdict.crashes,
        "new_run_at": micros(verdict.run_at or lease.run_at),
        "began_at": micros(end.started_at) if end.started_at else None,
        "over_at": over_at if verdict.status in FINAL else None,
        "new_result": verdict.result,
        "new_error": verdict.error,
    }


def _attempt_rows(settled: Iterable[Settled], worker_id: WorkerId) -> Iterable[dict[str, Any]]:
    for end, verdict in settled:
        if end.started_at is None:  # claimed ahead and given back: it never ran
            continue
        outcome, output, lease = end.outcome, end.output, end.lease
        yield {
            "task_id": lease.task_id,
            "token": lease.token,
            "number": lease.attempt,
            "worker_id": worker_id,
            "ready_at": micros(lease.run_at),
            "started_at": micros(end.started_at),
            "ended_at": micros(end.ended_at),
            "outcome": NAMES[type(outcome)],
            "error": problem(outcome) or verdict.error,
            "traceback": outcome.traceback if isinstance(outcome, Failed) else None,
            "exit_code": output.exit_code if output else None,
            "stdout": output.stdout if output else None,
            "stderr": output.stderr if output else None,
        }


def problem(outcome: Outcome) -> str | None:
    """The outcome's own error, one line, or `None` for one without."""
    if isinstance(outcome, Snoozed):
        return None
    return getattr(outcome, "error", None) or getattr(outcome, "reason", None)


_KNOWN: Final = select(attempts.c.task_id, attempts.c.token).where(
    attempts.c.task_id.in_(bindparam("ids", expanding=True))
)


def already_settled(transaction: Connection, ended: Sequence[Ended]) -> set[tuple[TaskId, Token]]:
    """Which of these are in the history: how a COMMIT that raised is found to have worked."""
    found: set[tuple[TaskId, Token]] = set()
    for chunk in chunks([end.lease.task_id for end in ended]):
        for task_id, token in transaction.execute(_KNOWN, {"ids": chunk}):
            found.add((task_id, token))
    return found
