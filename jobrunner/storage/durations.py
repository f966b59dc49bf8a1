"""What the last completed runs took, by what was run."""

import json
import re
from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Connection,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    type_coerce,
)

from jobrunner.core.estimate import Kind, kinds_of
from jobrunner.core.pauses import SlotRun
from jobrunner.core.task import TASK_IDS, TaskId
from jobrunner.storage import ends
from jobrunner.storage.chunks import CHUNK, chunks
from jobrunner.storage.tables import attempts, progress, tasks
from jobrunner.storage.types import Long

AMONG: Final = 20_000
"""The newest attempts, of any kind, among which the runs are looked for."""

LATELY: Final = 500
"""So many of the newest attempts tell how long slots stand empty."""

KEPT: Final = 200
"""So many of the newest runs of one kind count."""

_STEP: Final = 2_000
_BEGINNING: Final = 500
"""Characters of a command that its first word is looked for in."""

_FIRST: Final = re.compile(r'\["(?:[^"\\]|\\.)*"')
_TOOK: Final = type_coerce(attempts.c.ended_at, Long) - type_coerce(attempts.c.started_at, Long)
_COMPLETED: Final = literal_column("'completed'", Text)

BY_KIND: Final[tuple[Any, ...]] = (
    tasks.c.function,
    tasks.c.description,
    func.substr(tasks.c.command, 1, _BEGINNING),
)
"""The columns that `kinds` takes."""

_RUNS: Final = (
    select(*BY_KIND, _TOOK)
    .select_from(attempts)
    .join(tasks, tasks.c.id == attempts.c.task_id)
    .where(
        attempts.c.id > bindparam("above"),
        attempts.c.id <= bindparam("upto"),
        attempts.c.outcome == _COMPLETED,
    )
    .order_by(attempts.c.id.desc())
)
_OF_FUNCTIONS: Final = _RUNS.where(tasks.c.function.in_(bindparam("names", expanding=True)))

# By the end of an index: a server would take all above an id for a third of the table.
_LAST: Final = (
    select(
        attempts.c.worker_id,
        *(type_coerce(attempts.c[name], Long) for name in ("ready_at", "started_at", "ended_at")),
    )
    .where(attempts.c.id <= bindparam("upto"))
    .order_by(attempts.c.id.desc())
    .limit(literal_column(str(LATELY)))
)
_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_RESUMED: Final = select(progress.c.task_id).where(
    progress.c.task_id.in_(_IDS), progress.c.checkpoint.is_not(None)
)
_EARLIER: Final = (
    select(attempts.c.task_id, func.sum(_TOOK, type_=Long))
    .where(attempts.c.task_id.in_(_IDS), attempts.c.outcome != _COMPLETED)
    .group_by(attempts.c.task_id)
)


def kinds(function: str | None, description: str, beginning: str | None) -> tuple[Kind, ...]:
    """What a task is a run of; `beginning` is that of its command, as it is stored."""
    found = _FIRST.match(beginning or "")
    return kinds_of(function, description, json.loads(f"{found[0]}]")[0] if found else "")


def runs(transaction: Connection, wanted: Collection[Kind]) -> dict[Kind, list[float]]:
    """The seconds of the newest completed runs of each kind, among the newest 20,000 attempts."""
    found: dict[Kind, list[float]] = {kind: [] for kind in wanted}
    missing = set(wanted)
    names = [kind.name for kind in wanted if kind.what == "function"]
    is_short = len(names) == len(wanted) <= CHUNK
    query, named = (_OF_FUNCTIONS, {"names": names}) if is_short else (_RUNS, {})
    upto = ends.newest(transaction)
    least = max(0, upto - AMONG)
    while missing and upto > least:
        above = max(least, upto - _STEP)
        rows = transaction.execute(query, {"above": above, "upto": upto, **named})
        for *naming, took in rows.all():
            for kind in missing.intersection(kinds(*naming)):
                found[kind].append(max(0, int(took)) / 1e6)
                if len(found[kind]) == KEPT:
                    missing.discard(kind)
        upto = above
    return found


def pauses(transaction: Connection) -> list[SlotRun]:
    """The newest runs with when each could have started, for `core.pauses`."""
    return [SlotRun(*row) for row in transaction.execute(_LAST, {"upto": TASK_IDS[-1]})]


def before(transaction: Connection, ids: Sequence[TaskId]) -> dict[TaskId, float]:
    """The seconds of earlier attempts that count for the progress of the one that runs.

    Those of tasks that went on from a checkpoint: what is done was done in all of them.
    """
    found: dict[TaskId, float] = {}
    for some in chunks(ids):
        resumed = transaction.scalars(_RESUMED, {"ids": some}).all()
        if resumed:  # not by a join: a server would go through all progress there is
            rows = transaction.execute(_EARLIER, {"ids": resumed})
            found |= {TaskId(task_id): max(0, int(took)) / 1e6 for task_id, took in rows}
    return found
