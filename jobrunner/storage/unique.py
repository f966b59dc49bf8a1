"""Who has a unique key, and what follows for those that want it too.

What makes it true is the index `ix_tasks_unique`, of the tasks whose status is one of those they
are to be unique in. To look who is there is for the answer only, and the lock that comes before it
keeps two from finding nobody (guarded by test_of_racing_enqueuers_one_stores_its_task).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BindParameter,
    Connection,
    bindparam,
    literal_column,
    select,
    text,
    type_coerce,
    update,
)

from jobrunner.core.control_errors import DuplicateTaskError
from jobrunner.core.new_task import NewTask
from jobrunner.core.status import OPEN, Status
from jobrunner.core.task import TaskId
from jobrunner.core.unique import WAITING
from jobrunner.storage.chunks import chunks
from jobrunner.storage.dialect import lock_keys
from jobrunner.storage.tables import STATUS_BIT, tasks
from jobrunner.storage.types import MICROSECOND, Long


def bits(statuses: Iterable[Status]) -> int:
    """A set of statuses as the column `unique_in` holds it."""
    order = list(Status)
    return sum(1 << order.index(status) for status in statuses)


def columns(task: NewTask[Any], created_at: int) -> dict[str, Any]:
    """What a task's row says of its uniqueness; moments in microseconds."""
    rule = task.rule
    if rule is None:
        return {}
    until = None if rule.within is None else created_at + rule.within // MICROSECOND
    return {"unique_key": rule.key, "unique_in": bits(rule.in_), "unique_until": until}


def put_off(task: NewTask[Any], run_at: int, created_at: int) -> int:
    """When a task runs that is put off, if one of its key was stored then; in microseconds."""
    rule = task.rule
    if rule is None or rule.max_wait is None:
        return run_at
    return min(run_at, created_at + rule.max_wait // MICROSECOND)


Row = dict[str, Any]


class Holder(NamedTuple):
    """The task that has a key. `created_at` is in microseconds; `is_new` in the same call."""

    id: TaskId
    key: str
    status: Status
    attempt: int
    created_at: int
    is_new: bool = False

    @property
    def can_be_replaced(self) -> bool:
        """Whether it has not been started."""
        return self.status in OPEN and self.status is not Status.IN_PROGRESS


@dataclass(frozen=True, slots=True)
class Resolved:
    """What becomes of a call: who stands in for which of its tasks, and what replaces what."""

    stand_ins: dict[int, Holder] = field(default_factory=dict[int, Holder])
    """By the positions of the tasks that are not stored."""
    replaced: dict[Holder, NewTask[Any]] = field(default_factory=dict[Holder, NewTask[Any]])

    def ids(self, reserved: Sequence[TaskId]) -> list[TaskId]:
        """The ids of a call's tasks, each its own or that of its stand-in."""
        return [
            self.stand_ins[at].id if at in self.stand_ins else task_id
            for at, task_id in enumerate(reserved)
        ]

    def answers(
        self, reserved: Sequence[TaskId], stored: Sequence[Row], written: Mapping[int, Row]
    ) -> list[Row]:
        """A row for each task of a call: as it was stored, or that of its stand-in."""
        rows = {row["id"]: row for row in stored}
        return [
            rows.get(task_id, {"id": task_id, "written": written.get(task_id)})
            | {"is_duplicate": at in self.stand_ins, "reserved": reserved[at]}
            for at, task_id in enumerate(self.ids(reserved))
        ]


def lock(transaction: Connection, new: Sequence[NewTask[Any]]) -> dict[int, str]:
    """Keep others from taking the keys of these tasks until the end; returns keys by position."""
    rules = ((at, task.rule) for at, task in enumerate(new))
    keys = {at: rule.key for at, rule in rules if rule is not None and rule.key is not None}
    lock_keys(transaction, keys.values())
    return keys


def resolve(
    transaction: Connection,
    new: Sequence[NewTask[Any]],
    ids: Sequence[TaskId],
    *,
    now: datetime,
    created_at: int,
) -> Resolved:
    """Find out who has the keys that these tasks want; the first of a call has it before others.

    Raises:
        DuplicateTaskError: somebody has one, and its task says that this is an error.
    """
    keys = lock(transaction, new)
    rules = {at: new[at].rule for at in keys}
    replacing = any(rule is not None and rule.on_conflict == "replace" for rule in rules.values())
    held = holders(transaction, sorted(set(keys.values())), now=now, locked=replacing)
    resolved = Resolved()
    for at, key in keys.items():
        rule, holder = rules[at], held.get(key)
        if holder is None:
            held[key] = Holder(ids[at], key, Status.PENDING, 0, created_at, is_new=True)
            continue
        if rule is not None and rule.on_conflict == "error":
            raise DuplicateTaskError(key, None if holder.is_new else holder.id)
        if rule is not None and rule.on_conflict == "replace" and holder.can_be_replaced:
            resolved.replaced[holder] = new[at]
        resolved.stand_ins[at] = holder
    return resolved


_KEYS: Final[BindParameter[Any]] = bindparam("keys", expanding=True)
_HOLDERS: Final = (
    select(
        tasks.c.id,
        tasks.c.unique_key,
        tasks.c.status,
        tasks.c.attempt,
        type_coerce(tasks.c.created_at, Long),
        tasks.c.unique_until,
    )
    .where(
        tasks.c.unique_key.in_(_KEYS),
        tasks.c.unique_key.is_not(None),
        text(f"(unique_in & {STATUS_BIT}) <> 0"),
    )
    .order_by(tasks.c.id)
)
# One that is to be replaced must not be claimed between the look and the write.
_HOLDERS_LOCKED: Final = _HOLDERS.with_for_update(key_share=True)


def holders(
    transaction: Connection,
    keys: Sequence[str],
    *,
    now: datetime,
    locked: bool = False,
    only_looks: bool = False,
) -> dict[str, Holder]:
    """Who has these keys, once those are let go of whose time is over; or would be, if not."""
    query = _HOLDERS_LOCKED if locked else _HOLDERS
    found: dict[str, Holder] = {}
    over: list[int] = []
    for some in chunks(keys):
        for task_id, key, status, attempt, created_at, until in transaction.execute(
            query, {"keys": some}
        ).all():
            if until is not None and until <= now:
                over.append(task_id)
            else:
                found[key] = Holder(TaskId(task_id), key, Status(status), attempt, created_at)
    let_go(transaction, () if only_looks else over)
    return found


IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_LET_GO: Final = update(tasks).where(tasks.c.id.in_(IDS)).values(unique_key=None)


def let_go(transaction: Connection, ids: Sequence[int]) -> None:
    """Take their keys from tasks."""
    for some in chunks(ids):
        transaction.execute(_LET_GO, {"ids": some})


_WAITED: Final = _LET_GO.where(
    tasks.c.status == literal_column("'in_progress'"),
    tasks.c.unique_in == literal_column(str(bits(WAITING))),
)


def wait_again(transaction: Connection, ids: Sequence[TaskId]) -> None:
    """Let tasks in progress wait without their keys, if they were unique only while they waited.

    Another may wait behind each (guarded by test_one_that_waits_beside_a_run_leaves_it_a_retry).
    """
    for some in chunks(ids):
        transaction.execute(_WAITED, {"ids": some})
