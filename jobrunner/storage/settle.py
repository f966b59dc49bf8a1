"""Write down how attempts ended, if their leases still hold, with all that follows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, Connection, bindparam, select

from jobrunner.core.backoff import Backoff
from jobrunner.core.outcome import (
    Completed,
    Ended,
    Stored,
)
from jobrunner.core.status import FINAL, TO_CLAIM, Status
from jobrunner.core.task import TaskId, WorkerId
from jobrunner.core.verdict import Verdict, decide
from jobrunner.storage import acts, cached, notices, output, telling, unique, waits
from jobrunner.storage.chunks import chunks
from jobrunner.storage.dependents import settle_dependents
from jobrunner.storage.prepared import Update
from jobrunner.storage.record import record
from jobrunner.storage.tables import tasks
from jobrunner.storage.types import micros


class Settled(NamedTuple):
    """An attempt's end and what it led to, as stored."""

    ended: Ended
    verdict: Verdict


class Expired(NamedTuple):
    """A task that was not started in time, and its error."""

    task_id: TaskId
    error: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one call wrote, and what it refused because the lease was gone."""

    settled: list[Settled]
    refused: list[Ended]
    cancelled_dependents: list[tuple[TaskId, TaskId]]
    expired: list[Expired] = field(default_factory=list[Expired])


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
    for some in _each_task_once(ended):
        special = [end for end in some if type(end.outcome) is not Completed]
        batch = waits.lock(transaction, some, special, now=now)
        cancelled = _cancel_requested(transaction, special)
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
        first = len(settlement.settled)
        _write(transaction, judged, settlement, worker_id=worker_id, now=now)
        if special:
            cached.note(transaction, [end for end, _ in settlement.settled[first:]], now=now)
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
    statuses = {verdict.status for _, verdict in judged}
    if statuses & TO_CLAIM:
        again = [end.lease.task_id for end, verdict in judged if verdict.status in TO_CLAIM]
        unique.wait_again(transaction, again)
    rows = [_task_row(end, verdict, over_at) for end, verdict in judged]
    written = _SETTLE.run(transaction, rows)
    held = {task_id: is_needed for task_id, is_needed, _ in written}  # does any other wait for it?
    settled = judged
    if len(held) < len(judged):
        settled = [one for one in judged if one.ended.lease.task_id in held]
        gone = [one for one in judged if one.ended.lease.task_id not in held]
        _refuse(transaction, gone, settlement)
    record(transaction, settled, worker_id)
    live = [end.lease.task_id for end, _ in settled if end.output and end.output.is_live]
    if live:
        output.forget(transaction, live)
    _tell(transaction, settled, is_told=bool(written and written[0][2]), now=now)
    if any(held.values()):
        over = {
            end.lease.task_id: verdict.status
            for end, verdict in settled
            if verdict.status in FINAL and held[end.lease.task_id]
        }
        settlement.cancelled_dependents.extend(settle_dependents(transaction, over, now=now))
    settlement.settled.extend(settled)


def _refuse(transaction: Connection, gone: Sequence[Settled], settlement: Settlement) -> None:
    """Their leases are lost, or were given up by the tasks themselves, with their ends."""
    for one in gone:
        kept = isinstance(one.ended.outcome, Stored)
        settlement.settled.append(one) if kept else settlement.refused.append(one.ended)
    output.keep(transaction, [end for end, _ in gone if isinstance(end.outcome, Stored)])


def _tell(
    transaction: Connection, settled: Sequence[Settled], *, is_told: bool, now: datetime
) -> None:
    """Tell those who wait of what may run again and of what has ended, and hooks if there are."""
    statuses = {verdict.status for _, verdict in settled}
    if statuses & TO_CLAIM:
        queues = {end.lease.queue for end, verdict in settled if verdict.status in TO_CLAIM}
        notices.work(transaction, queues)
    if Status.CANCELLED in statuses:
        never = [one.ended.lease.task_id for one in settled if _was_stopped_unstarted(one)]
        acts.over(transaction, never, was=Status.PENDING, now=now)
    if statuses & FINAL:
        notices.ends(transaction)
        if is_told:
            ends = [end.lease.task_id for end, verdict in settled if verdict.status in FINAL]
            telling.tell(transaction, ends, now=now)


def _was_stopped_unstarted(one: Settled) -> bool:
    """Whether it was to end before it began: the history of attempts tells nothing of it."""
    return one.ended.started_at is None and one.verdict.status is Status.CANCELLED


def _task_row(end: Ended, verdict: Verdict, over_at: int) -> tuple[Any, ...]:
    lease = end.lease
    again = verdict.run_at if end.started_at is not None else None  # it has waited all the time
    return (
        lease.task_id,
        lease.token,
        verdict.status.value,
        verdict.attempt,
        verdict.crashes,
        micros(again) if again else lease.ready_at,
        end.started_at,
        over_at if verdict.status in FINAL else None,
        verdict.result,
        verdict.error,
    )
