"""Write down how attempts ended, if their leases still hold, with all that follows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, Connection, bindparam, select

from jobrunner.core.backoff import Backoff
from jobrunner.core.outcome import NAMES, Cancelled, Completed, Ended, Failed, Outcome
from jobrunner.core.status import FINAL, TO_CLAIM
from jobrunner.core.task import TaskId, Token, WorkerId
from jobrunner.core.verdict import Verdict, decide
from jobrunner.storage import notices, telling
from jobrunner.storage.chunks import chunks
from jobrunner.storage.dependents import settle_dependents
from jobrunner.storage.dialect import lock_tasks
from jobrunner.storage.prepared import Insert, Update
from jobrunner.storage.tables import attempts, tasks
from jobrunner.storage.types import micros


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


_THESE: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_CANCEL_ASKED: Final = select(tasks.c.id).where(
    tasks.c.id.in_(_THESE), tasks.c.cancel_requested_at.is_not(None)
)

_SETTLE: Final = Update(
    tasks,
    match=("id", "token"),
    set_=(
        "status",
        "attempt",
        "crashes",
        "run_at",
        "started_at",
        "finished_at",
        "result",
        "error",
    ),
    also="token = NULL",
    returning="id, EXISTS (SELECT 1 FROM dependencies WHERE parent_id = id), "  # noqa: S608
    + telling.ANY_IS_ACTIVE,
)

_RECORD: Final = Insert(
    attempts,
    (
        "task_id",
        "token",
        "number",
        "worker_id",
        "ready_at",
        "started_at",
        "ended_at",
        "outcome",
        "error",
        "traceback",
        "exit_code",
        "stdout",
        "stderr",
    ),
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
    settlement = Settlement([], [], [])
    for batch in _each_task_once(ended):
        lock_tasks(transaction, [end.lease.task_id for end in batch])
        cancelled = _cancel_requested(transaction, batch)
        judged = [
            Settled(
                end,
                decide(
                    end.lease,
                    end.outcome,
                    now=now,
                    backoff=backoff,
                    cancel=end.lease.task_id in cancelled,
                ),
            )
            for end in batch
        ]
        _write(transaction, judged, settlement, worker_id=worker_id, now=now)
    return settlement


def _each_task_once(ended: Sequence[Ended]) -> Iterable[Sequence[Ended]]:
    """Cut where a task comes again, as it does when it was let go of and claimed anew."""
    if ended and len({end.lease.task_id for end in ended}) == len(ended):
        yield ended
        return
    batch: dict[TaskId, Ended] = {}
    for end in ended:
        if end.lease.task_id in batch:
            yield list(batch.values())
            batch = {}
        batch[end.lease.task_id] = end
    if batch:
        yield list(batch.values())


def _cancel_requested(transaction: Connection, ended: Sequence[Ended]) -> set[TaskId]:
    """Tasks whose end was asked for; it makes no difference to one that has completed."""
    asked = [end.lease.task_id for end in ended if not isinstance(end.outcome, Completed)]
    return {
        TaskId(task_id)
        for chunk in chunks(asked)
        for task_id in transaction.scalars(_CANCEL_ASKED, {"ids": chunk})
    }


def _write(
    transaction: Connection,
    judged: Sequence[Settled],
    settlement: Settlement,
    *,
    worker_id: WorkerId,
    now: datetime,
) -> None:
    over_at = micros(now)
    rows = [_task_row(end, verdict, over_at) for end, verdict in judged]
    written = _SETTLE.run(transaction, rows)
    held = {task_id: is_needed for task_id, is_needed, _ in written}  # does any other wait for it?
    settled = judged
    if len(held) < len(judged):
        settled = [one for one in judged if one.ended.lease.task_id in held]
        settlement.refused.extend(
            one.ended for one in judged if one.ended.lease.task_id not in held
        )
    _RECORD.run(transaction, list(_attempt_rows(settled, worker_id)))
    statuses = {verdict.status for _, verdict in settled}
    if statuses & TO_CLAIM:
        again = {end.lease.queue for end, verdict in settled if verdict.status in TO_CLAIM}
        notices.work(transaction, again)
    if statuses & FINAL:
        notices.ends(transaction)
        if written[0][2]:
            ends = [end.lease.task_id for end, verdict in settled if verdict.status in FINAL]
            telling.tell(transaction, ends, now=now)
    if any(held.values()):
        over = {
            end.lease.task_id: verdict.status
            for end, verdict in settled
            if verdict.status in FINAL and held[end.lease.task_id]
        }
        settlement.cancelled_dependents.extend(settle_dependents(transaction, over, now=now))
    settlement.settled.extend(settled)


def _task_row(end: Ended, verdict: Verdict, over_at: int) -> tuple[Any, ...]:
    lease = end.lease
    return (
        lease.task_id,
        lease.token,
        verdict.status.value,
        verdict.attempt,
        verdict.crashes,
        micros(verdict.run_at) if verdict.run_at else lease.ready_at,
        end.started_at,
        over_at if verdict.status in FINAL else None,
        verdict.result,
        verdict.error,
    )


def _attempt_rows(settled: Iterable[Settled], worker_id: WorkerId) -> Iterable[tuple[Any, ...]]:
    for end, verdict in settled:
        if end.started_at is None:  # claimed ahead and given back: it never ran
            continue
        outcome, output, lease = end.outcome, end.output, end.lease
        yield (
            lease.task_id,
            lease.token,
            lease.attempt,
            worker_id,
            lease.ready_at,
            end.started_at,
            end.ended_at,
            NAMES[type(outcome)],
            problem(outcome) or verdict.error,
            outcome.traceback if isinstance(outcome, Failed) else None,
            output.exit_code if output else None,
            output.stdout if output else None,
            output.stderr if output else None,
        )


def problem(outcome: Outcome) -> str | None:
    """The outcome's own error, one line, or `None` for one without."""
    if isinstance(outcome, Completed):
        return None
    if isinstance(outcome, Cancelled):
        return outcome.reason
    return getattr(outcome, "error", None)


_KNOWN: Final = select(attempts.c.task_id, attempts.c.token).where(attempts.c.task_id.in_(_THESE))


def already_settled(transaction: Connection, ended: Sequence[Ended]) -> set[tuple[TaskId, Token]]:
    """Which of these are in the history: how a COMMIT that raised is found to have worked."""
    found: set[tuple[TaskId, Token]] = set()
    for chunk in chunks([end.lease.task_id for end in ended]):
        for task_id, token in transaction.execute(_KNOWN, {"ids": chunk}):
            found.add((task_id, token))
    return found
