"""What a task has been through, told again from its row, its attempts and the acts on it."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from jobrunner.core import transition as words
from jobrunner.core.past import Act, Row, Run, Source, Step
from jobrunner.core.status import Status

_AFTER: Final = {
    "completed": Status.COMPLETED,
    "cached": Status.COMPLETED,
    "cancelled": Status.CANCELLED,
    "failed": Status.SCHEDULED,
    "timed_out": Status.SCHEDULED,
    "snoozed": Status.SCHEDULED,
    "waiting": Status.SCHEDULED,
    "crashed": Status.PENDING,
    "lost": Status.PENDING,
    "released": Status.PENDING,
}
"""What follows from an outcome, if the task runs again or must not."""


class _Ran(NamedTuple):
    """An attempt, and that its end was asked for while it ran, if it was."""

    run: Run
    asked: Act | None


_Record = _Ran | Act | Row


def replay(row: Row, runs: Sequence[Run], acts: Sequence[Act]) -> list[Step]:
    """All that one task went through, in order; `runs` and `acts` are its own, by their ids.

    The last step's status is the row's. What was done to it before such acts were written down is
    told as far as it can be guessed. That it was claimed and given back unstarted is not told.
    """
    records, asked = _in_order(runs, acts)
    records.append(row)
    unblocked = _unblocked(records)
    tale = _Tale(row.created_at, _stored_as(row, records[0], unblocked[0]), ("task", row.id))
    for place, record in enumerate(records):
        if isinstance(record, Act):
            tale.source = ("act", record.id)
            tale.reach(record.was, record.run_at, unblocked[place])
            tale.add(record.at, record.what, record.status, detail=record.detail)
        elif isinstance(record, _Ran):
            tale.source = ("attempt", record.run.id)
            tale.reach(Status.PENDING, record.run.ready_at, unblocked[place])
            tale.ran(record, *_ended(record.run, records[place + 1]))
        else:
            tale.source = None
            tale.now(record, asked, unblocked[place])
    return tale.steps


def _in_order(runs: Sequence[Run], acts: Sequence[Act]) -> tuple[list[_Record], Act | None]:
    """Attempts and acts in their order, and who asked for the end of what runs now."""
    behind: dict[int, list[Act]] = {}
    for act in acts:
        behind.setdefault(act.last_attempt, []).append(act)
    records: list[_Record] = []
    last = 0
    for run in runs:
        mine, asked = _split(behind.get(last, []))
        records += [*mine, _Ran(run, asked)]
        last = run.id
    mine, asked = _split(behind.get(last, []))
    return [*records, *mine], asked


def _split(acts: Sequence[Act]) -> tuple[Sequence[Act], Act | None]:
    """What came before an attempt, and what was asked for while it ran."""
    if acts and acts[-1].what == words.CANCEL_REQUESTED:
        return acts[:-1], acts[-1]
    return acts, None


def _unblocked(records: Sequence[_Record]) -> list[int | None]:
    """When the task had no open parent any more, as known at each record: by the next that says."""
    found: list[int | None] = []
    known: int | None = None
    for record in reversed(records):
        if not isinstance(record, _Ran):
            known = record.unblocked_at
        found.append(known)
    return found[::-1]


def _stored_as(row: Row, first: _Record, unblocked_at: int | None) -> Status:
    """The status it was stored with, by the first that is known of it."""
    if isinstance(first, _Ran):
        status, run_at = Status.IN_PROGRESS, first.run.ready_at
    elif isinstance(first, Act):
        status, run_at = first.was, first.run_at
    else:
        status, run_at = first.status, first.run_at
    if unblocked_at is not None:
        return Status.BLOCKED
    at_once = isinstance(first, Act) or row.finished_at == row.created_at
    if status in {Status.BLOCKED, Status.SCHEDULED} or (status.is_final and at_once):
        return status
    return Status.SCHEDULED if run_at > row.created_at else Status.PENDING


def _ended(run: Run, following: _Record) -> tuple[Status, int]:
    """What the end of an attempt led to, and when."""
    after = _AFTER[run.outcome]
    if isinstance(following, _Ran):
        return after, run.ended_at
    if isinstance(following, Act):
        return following.was if following.was.is_final else after, run.ended_at
    if following.status.is_final:
        return following.status, following.finished_at or run.ended_at
    return after, run.ended_at


class _Tale:
    """The steps so far."""

    def __init__(self, at: int, status: Status, source: Source) -> None:
        self.source = source
        self.steps = [Step(at, words.ENQUEUED, None, status, source)]
        self._status: Status = status

    def add(self, at: int, what: str, status: Status | None, *, detail: str | None = None) -> None:
        self.steps.append(Step(at, what, self._status, status, self.source, detail=detail))
        self._status = status or self._status

    def _follows(self, at: int, what: str, status: Status) -> None:
        """Add what nobody has written down; a clock that was set back makes it no earlier."""
        self.add(max(at, self.steps[-1].at), what, status)

    def reach(self, target: Status, run_at: int, unblocked_at: int | None) -> None:
        """Add what must have happened by itself before the task stood there."""
        if self._status is Status.BLOCKED and target is not Status.BLOCKED:
            at = run_at if unblocked_at is None else unblocked_at
            again = Status.SCHEDULED if run_at > at else Status.PENDING
            self._follows(at, words.UNBLOCKED, again)
        if self._status.is_final and not target.is_final:
            self._follows(run_at, words.RETRIED, Status.PENDING)
        if self._status is Status.SCHEDULED and target is not Status.SCHEDULED:
            self._follows(run_at, words.DUE, Status.PENDING)
        if target.is_final and not self._status.is_final:
            self._follows(run_at, target.value, target)

    def ran(self, ran: _Ran, status: Status, at: int) -> None:
        """Add an attempt from its start to its end."""
        run = ran.run
        self._start(run.started_at, run.number, run.worker_id, ran.asked)
        end = Step(at, run.outcome, self._status, status, self.source)
        self.steps.append(
            end._replace(attempt=run.number, worker_id=run.worker_id, detail=run.error)
        )
        self._status = status

    def _start(self, at: int, number: int, worker_id: str | None, asked: Act | None) -> None:
        start = Step(at, words.STARTED, self._status, Status.IN_PROGRESS, self.source)
        self.steps.append(start._replace(attempt=number, worker_id=worker_id))
        self._status = Status.IN_PROGRESS
        if asked is not None:
            step = Step(asked.at, asked.what, self._status, self._status, ("act", asked.id))
            self.steps.append(step)

    def now(self, row: Row, asked: Act | None, unblocked_at: int | None) -> None:
        """Add what leads to the present."""
        if row.status is Status.IN_PROGRESS:
            self.reach(Status.PENDING, row.run_at, unblocked_at)
            self._start(row.started_at or row.run_at, row.attempt, row.worker_id, asked)
        elif not row.status.is_final:
            self.reach(row.status, row.run_at, unblocked_at)
        if row.status is not self._status:
            at = row.finished_at or row.run_at
            self.add(at, row.status.value, row.status, detail=row.error)


def status_at(steps: Iterable[Step], moment: int) -> Status | None:
    """How a task stood at a moment; `None` while it was not stored."""
    status: Status | None = None
    for step in steps:
        if step.at > moment:
            break
        status = step.status
    return status
