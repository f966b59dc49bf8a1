"""Crash points: a hook just before and just after each COMMIT, absent from production."""

import contextlib
import inspect
from collections.abc import Callable, Generator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, Literal

from jobrunner.storage.engine import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

Side = Literal["before", "after"]

Hook = Callable[[Side, str], None]
"""Told the side of the COMMIT and the transaction's name. What it raises, the caller gets."""

NAMES: Final[Mapping[tuple[str, str], str]] = {
    ("jobrunner.batches", "Batches.add"): "batch",
    ("jobrunner.batches", "Batches.enqueue_ids"): "batch",
    ("jobrunner.bulk", "Bulk.do"): "bulk",
    ("jobrunner.crews", "Crews._say"): "rule",
    ("jobrunner.futures.executor", "TaskExecutor._cancel"): "bulk",
    ("jobrunner.hooks", "Hooks.add"): "rule",
    ("jobrunner.hooks", "Hooks.pause"): "rule",
    ("jobrunner.hooks", "Hooks.remove"): "rule",
    ("jobrunner.hooks", "Hooks.resume"): "rule",
    ("jobrunner.hooks", "Hooks.test"): "rule",
    ("jobrunner.queues", "Keys.limit"): "rule",
    ("jobrunner.queues", "Queues.limit"): "rule",
    ("jobrunner.queues", "Queues.pause"): "rule",
    ("jobrunner.queues", "Queues.resume"): "rule",
    ("jobrunner.retention", "RetentionRules.prune"): "bulk",
    ("jobrunner.retention", "RetentionRules.set"): "rule",
    ("jobrunner.runtime.declared", "store_declared"): "rule",
    ("jobrunner.runtime.executors.thread", "DatabaseLink._save"): "progress",
    ("jobrunner.runtime.keepalive", "Keepalive._once"): "beat",
    ("jobrunner.runtime.maintenance", "Maintenance._expire"): "expire",
    ("jobrunner.runtime.maintenance", "Maintenance._fire"): "fire",
    ("jobrunner.runtime.maintenance", "Maintenance._prune"): "prune",
    ("jobrunner.runtime.maintenance", "Maintenance._rescue"): "rescue of an orphan",
    ("jobrunner.runtime.maintenance", "Maintenance._take"): "rescue of one overdue",
    ("jobrunner.runtime.maintenance", "Maintenance.bury"): "rescue",
    ("jobrunner.runtime.membership", "Membership.__init__"): "join",
    ("jobrunner.runtime.membership", "Membership.leave"): "leave",
    ("jobrunner.runtime.membership", "Membership.resized"): "rule",
    ("jobrunner.runtime.membership", "Membership.stopping"): "stop",
    ("jobrunner.runtime.outputs", "Outputs._store_reports"): "progress",
    ("jobrunner.runtime.outputs", "Outputs._store_written"): "output",
    ("jobrunner.runtime.block", "transaction"): "own transaction",
    ("jobrunner.runtime.settler", "Settler.turn"): "settle",
    ("jobrunner.runtime.steps", "Steps.opened"): "step",
    ("jobrunner.schedules", "Schedules.add"): "rule",
    ("jobrunner.schedules", "Schedules.pause"): "rule",
    ("jobrunner.schedules", "Schedules.remove"): "rule",
    ("jobrunner.schedules", "Schedules.resume"): "rule",
    ("jobrunner.sent", "Events.send"): "event",
    ("jobrunner.storage.migrate", "upgrade"): "migrate",
    ("jobrunner.storage.store", "Store._look_again"): "enqueue",
    ("jobrunner.storage.store", "Store._enqueue"): "enqueue",
    ("jobrunner.storage.store", "Store.joining"): "transaction",
    ("jobrunner.task_queue", "TaskQueue.cancel"): "cancel",
    ("jobrunner.task_queue", "TaskQueue.retry"): "retry",
    ("jobrunner.task_queue", "TaskQueue.rewind"): "rewind",
    ("jobrunner.task_queue", "TaskQueue.update"): "update",
    ("jobrunner.tokens", "Tokens.add"): "rule",
    ("jobrunner.tokens", "Tokens.remove"): "rule",
    ("jobrunner.web.audited", "Audited._long"): "bulk",
}
"""Which function's transaction has which name: module and qualified name to the name. `settle` is
the whole turn of a worker: outcomes, dependents, due tasks and the next claims; a `rule` is what
people set, and workers store at their start: a row or a few."""

THROUGH: Final = frozenset(
    {
        ("contextlib", "_GeneratorContextManager.__enter__"),
        ("jobrunner.storage.store", "Store.write"),
        ("jobrunner.storage.store", "Store._write"),
        ("jobrunner.storage.store", "Store.writing"),
    }
)
"""Who only passes a transaction on: its name is that of the caller."""


def crash_points(database: Database, hook: Hook) -> None:
    """From now on tell `hook` of each writing transaction of this one `Database`.

    Before the COMMIT the transaction is still open and nobody else can write; after it, all is
    stored and the thread holds no lock. A transaction that fails by itself has no points.
    """
    writing = database.writing

    @contextlib.contextmanager
    def told(name: str, options: dict[str, Any]) -> "Generator[Connection]":
        with writing(**options) as connection:
            yield connection
            hook("before", name)
        hook("after", name)

    def named(**options: Any) -> "contextlib.AbstractContextManager[Connection]":
        return told(_name(inspect.currentframe()), options)

    vars(database)["writing"] = named


def _name(frame: FrameType | None) -> str:
    """The name of the transaction that a caller of this frame begins.

    One that is in no table has the name of its function.
    """
    place = ("", "")
    frame = frame and frame.f_back
    while frame is not None:
        place = (str(frame.f_globals.get("__name__", "")), frame.f_code.co_qualname)
        if place not in THROUGH:
            break
        frame = frame.f_back
    return NAMES.get(place, place[1])
