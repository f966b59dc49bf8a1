"""What a claim asks of a task and of its worker; `why` asks the same, so that they never differ.

Statuses are literals, as in the indexes: see `tables`. `now` is bound by whoever asks.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, literal_column

from jobrunner.storage.tables import dependencies, tasks, workers
from jobrunner.storage.types import Moment

IS_PENDING: Final[ColumnElement[bool]] = tasks.c.status == literal_column("'pending'")
IS_RUNNING: Final[ColumnElement[bool]] = tasks.c.status == literal_column("'in_progress'")
IS_SCHEDULED: Final[ColumnElement[bool]] = tasks.c.status == literal_column("'scheduled'")

IS_PLAIN: Final[ColumnElement[bool]] = IS_PENDING & tasks.c.lane.is_(None)
"""Under no limit of its own: an index holds all these in the order of the claim."""
IS_LANED: Final[ColumnElement[bool]] = IS_PENDING & tasks.c.lane.is_not(None)

IS_DUE: Final[ColumnElement[bool]] = tasks.c.run_at <= bindparam("now", type_=Moment)
"""Of one that is scheduled: it is promoted by the sweep, and by the next claim before it takes."""

IN_TIME: Final[ColumnElement[bool]] = tasks.c.expires_at.is_(None) | (
    tasks.c.expires_at > bindparam("now", type_=Moment)
)

MAY_CLAIM: Final[ColumnElement[bool]] = (
    workers.c.status == literal_column("'running'")
) & workers.c.paused_at.is_(None)
"""A worker that neither ends nor has ended, and is not paused."""

SPOILS: Final[Any] = (dependencies.c.on_failure == literal_column("'cancel'")) & tasks.c.status.in_(
    [literal_column("'failed'"), literal_column("'cancelled'")]
)
"""A parent, and the edge that leads from it: its dependent must not run."""
