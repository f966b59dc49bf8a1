"""How long ended tasks are kept, as it is stored: in the rows of their queues."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, select, text, update

from jobrunner.core.retention import DEFAULT, FOREVER, Kept, Retention, Rule
from jobrunner.storage.rules import queues
from jobrunner.storage.types import MICROSECOND

_FOREVER: Final = -MICROSECOND
"""What stands in a column for a row that is kept for ever; no span is negative."""

_KEEP: Final = {name: queues.c[f"keep_{name}"] for name in Rule._fields}
_SAYS_NOTHING: Final[Any] = text(
    "paused_at IS NULL AND concurrency IS NULL AND rate IS NULL AND keep_completed IS NULL"
    " AND keep_failed IS NULL AND keep_cancelled IS NULL"
)


def stored(transaction: Connection) -> Retention:
    """The rules there are."""
    rows = transaction.execute(select(queues.c.name, *_KEEP.values())).all()
    rules = {name: Rule(*map(_kept, spans)) for name, *spans in rows}
    return Retention({name: rule for name, rule in rules.items() if rule != Rule()})


def _kept(span: timedelta | None) -> Kept:
    if span is None:
        return DEFAULT
    return FOREVER if span == _FOREVER else span


def keep(transaction: Connection, queue: str, kept: Mapping[str, Kept]) -> None:
    """Store how long the tasks of a queue are kept, by statuses; others stay as they are."""
    transaction.execute(
        text("INSERT INTO queues (name) VALUES (:name) ON CONFLICT (name) DO NOTHING"),
        {"name": queue},
    )
    spans = {f"keep_{status}": _span(value) for status, value in kept.items()}
    transaction.execute(update(queues).where(queues.c.name == queue).values(**spans))
    transaction.execute(delete(queues).where(queues.c.name == queue, _SAYS_NOTHING))


def _span(kept: Kept) -> timedelta | None:
    if isinstance(kept, timedelta):
        return kept
    return _FOREVER if kept == FOREVER else None
