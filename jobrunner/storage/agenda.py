"""What a claim must see to first, in one look: what is due, and which limits there are."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, ScalarSelect, exists, func, literal_column, select, text

from jobrunner.storage.clauses import IS_LANED, IS_SCHEDULED
from jobrunner.storage.rules import queues, schedules
from jobrunner.storage.schema import one_of
from jobrunner.storage.tables import tasks


class Agenda(NamedTuple):
    """The next moments at which something is due, and whether a claim has more to regard.

    `ruled`: some queue is paused or limited; `laned`: tasks under limits of their own wait.
    """

    next_due: datetime | None
    next_expiry: datetime | None
    next_tick: datetime | None
    ruled: bool
    laned: bool

    @property
    def limits(self) -> bool:
        """Whether a claim has limits to regard: it goes another way then, see `limited`."""
        return self.ruled or self.laned

    def next(self) -> datetime | None:
        """The earliest of the moments."""
        moments = (self.next_due, self.next_expiry, self.next_tick)
        return min((moment for moment in moments if moment is not None), default=None)


def _first(moment: Any, *conditions: Any) -> ScalarSelect[datetime]:
    return select(func.min(moment)).where(*conditions).scalar_subquery()


# As the index has it, in brackets: SQLAlchemy puts none around a text, and `AND` binds closer.
WAITS: Final[Any] = text(f"({one_of('status', 'blocked', 'scheduled', 'pending')})")
"""Whether a task has not started."""

# The first and not any: a server would go through all history, in the hope to meet one soon.
_laned: Final = (
    select(tasks.c.id).where(IS_LANED).order_by(tasks.c.queue).limit(literal_column("1"))
)
_LOOK: Final = select(
    _first(tasks.c.run_at, IS_SCHEDULED),
    _first(tasks.c.expires_at, tasks.c.expires_at.is_not(None), WAITS),
    _first(schedules.c.next_at, schedules.c.paused_at.is_(None), schedules.c.next_at.is_not(None)),
    exists(
        select(queues.c.name).where(
            queues.c.paused_at.is_not(None)
            | queues.c.concurrency.is_not(None)
            | queues.c.rate.is_not(None)
        )
    ),
    _laned.scalar_subquery().is_not(None),
)


def look(transaction: Connection) -> Agenda:
    """Look at the indexes of what is due: a handful of look-ups, whatever the backlog."""
    due, expiry, tick, ruled, laned = transaction.execute(_LOOK).one()
    return Agenda(due, expiry, tick, bool(ruled), bool(laned))
