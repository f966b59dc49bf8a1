"""How many attempts ended when, a stretch of the history at a time."""

from typing import Final

from sqlalchemy import Connection, bindparam, case, func, literal_column, select, type_coerce

from jobrunner.core.report import FAILURES
from jobrunner.core.series import STEP, Tally
from jobrunner.core.task import TASK_IDS
from jobrunner.storage.tables import attempts
from jobrunner.storage.types import MICROSECOND, Long

_READY, _STARTED, _ENDED = (
    type_coerce(attempts.c[name], Long) for name in ("ready_at", "started_at", "ended_at")
)
_STEP: Final = (_ENDED // literal_column(str(STEP // MICROSECOND), Long)).label("step")
_WAIT: Final = case((_STARTED > _READY, _STARTED - _READY), else_=literal_column("0", Long))
_TALLIES: Final = (
    select(
        _STEP,
        attempts.c.outcome,
        func.count(),
        func.sum(_WAIT, type_=Long),
        func.sum(_ENDED - _STARTED, type_=Long),
    )
    .where(attempts.c.id > bindparam("above"), attempts.c.id <= bindparam("upto"))
    .group_by(_STEP, attempts.c.outcome)
)
_NEWEST: Final = (
    select(attempts.c.id)
    .where(attempts.c.id <= bindparam("upto"))
    .order_by(attempts.c.id.desc())
    .limit(literal_column("1"))
)


def newest(transaction: Connection, upto: int = TASK_IDS[-1]) -> int:
    """The last attempt's id, or the last up to an id; 0 for none."""
    return transaction.scalar(_NEWEST, {"upto": upto}) or 0


def tallies(transaction: Connection, above: int, upto: int) -> list[tuple[int, Tally]]:
    """What ended in which step, of the attempts in `(above, upto]`; a step may come again."""
    rows = transaction.execute(_TALLIES, {"above": above, "upto": upto})
    return [_tally(*row) for row in rows]


def _tally(step: int, outcome: str, number: int, wait: int, run: int) -> tuple[int, Tally]:
    completed = number if outcome == "completed" else 0
    failed = number if outcome in FAILURES else 0
    # A server's sums and quotients are no plain integers.
    return int(step), Tally(completed, failed, number - completed - failed, int(wait), int(run))
