"""The history: a row for each attempt that has ended, written with its settlement."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection

from jobrunner.core.outcome import NAMES, Cancelled, Completed, Ended, Failed, Outcome, Usage
from jobrunner.core.task import WorkerId
from jobrunner.core.verdict import Verdict
from jobrunner.storage.prepared import Insert
from jobrunner.storage.tables import attempts

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
        "cpu_s",
        "peak_memory",
    ),
)

_UNKNOWN: Final = Usage()


def record(
    transaction: Connection, settled: Iterable[tuple[Ended, Verdict]], worker_id: WorkerId
) -> None:
    """Write down how attempts of one worker ended, those that never ran left out."""
    _RECORD.run(transaction, list(_rows(settled, worker_id)))


def _rows(
    settled: Iterable[tuple[Ended, Verdict]], worker_id: WorkerId
) -> Iterable[tuple[Any, ...]]:
    for end, verdict in settled:
        if end.started_at is None:  # claimed ahead and given back: it never ran
            continue
        outcome, output, lease = end.outcome, end.output, end.lease
        cpu_s, peak_memory = end.usage or _UNKNOWN
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
            cpu_s,
            peak_memory,
        )


def problem(outcome: Outcome) -> str | None:
    """The outcome's own error, one line, or `None` for one without."""
    if isinstance(outcome, Completed):
        return None
    if isinstance(outcome, Cancelled):
        return outcome.reason
    return getattr(outcome, "error", None)
