"""Which tasks take up the places of a limit, and what it still admits."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select

from jobrunner.core.circumstances import FullLimit
from jobrunner.core.insight_graph import TaskNode
from jobrunner.core.lane import decode
from jobrunner.core.limits import Limits
from jobrunner.core.task import WorkerId
from jobrunner.storage import keys, limits, neighbours, rates
from jobrunner.storage.allowance import OF_KEY, OF_QUEUE, Gate
from jobrunner.storage.chunks import chunks
from jobrunner.storage.clauses import IS_RUNNING
from jobrunner.storage.rules import queues
from jobrunner.storage.tables import tasks

MOST: Final = 20
"""So many of them are told."""

_IN_LANES: Final = tasks.c.lane.is_not(None)


def full(transaction: Connection, gate: Gate, *, now: datetime) -> FullLimit | None:
    """What is to say of a gate that is shut; nothing of a pause or of a worker's resources."""
    is_queue = gate.name.startswith(OF_QUEUE)
    name = gate.name.removeprefix(OF_QUEUE if is_queue else OF_KEY)
    rule = _rule(transaction, name, is_queue=is_queue)
    if gate.is_rate and rule.rate is not None:
        started = rates.newest(transaction, gate.name, rule.rate, now=now, limit=MOST)
        return FullLimit(
            name=name,
            is_queue=is_queue,
            most=rule.rate.number,
            used=rule.rate.number - int(gate.left),
            period=rule.rate.period,
            opens_at=rates.opens_at(transaction, gate.name, rule.rate, now=now),
            holders=tuple(neighbours.nodes(transaction, started)),
        )
    if gate.is_concurrency and rule.concurrency is not None:
        running = _of_queue(transaction, name) if is_queue else _of_key(transaction, name)
        return FullLimit(
            name=name,
            is_queue=is_queue,
            most=rule.concurrency,
            used=rule.concurrency - int(gate.left),
            holders=tuple(neighbours.nodes(transaction, running)),
        )
    return None


def _rule(transaction: Connection, name: str, *, is_queue: bool) -> Limits:
    if not is_queue:
        return keys.limits_of(transaction, [name])[name]
    return limits.read(transaction, queues, queues.c.name == name).get(name, Limits())


def _of_queue(transaction: Connection, name: str) -> list[int]:
    # By the index of what runs: by id, a server would go through all history.
    query = select(tasks.c.id).where(IS_RUNNING, tasks.c.queue == name)
    return [*transaction.scalars(query.order_by(tasks.c.worker_id).limit(MOST))]


def _of_key(transaction: Connection, name: str) -> list[int]:
    return _in_lanes(transaction, [one for one in _lanes(transaction) if decode(one).key == name])


def users(
    transaction: Connection, names: Collection[str], workers: Collection[WorkerId]
) -> list[TaskNode]:
    """The tasks that have some of these resources of some workers now."""
    found = [one for one in _lanes(transaction) if decode(one).needs.keys() & {*names}]
    mine = tasks.c.worker_id.in_(sorted(workers))
    return neighbours.nodes(transaction, _in_lanes(transaction, found, mine))


def _lanes(transaction: Connection) -> list[str | None]:
    """The lanes of all that run."""
    query = select(tasks.c.lane).where(IS_RUNNING, _IN_LANES).group_by(tasks.c.lane)
    return [*transaction.scalars(query)]


def _in_lanes(transaction: Connection, lanes: Collection[str | None], *where: Any) -> list[int]:
    found: list[int] = []
    for some in chunks([*lanes]):
        query = select(tasks.c.id).where(IS_RUNNING, _IN_LANES, tasks.c.lane.in_(some), *where)
        found += transaction.scalars(query.order_by(tasks.c.lane).limit(MOST - len(found)))
        if len(found) >= MOST:
            break
    return found


def in_hand(transaction: Connection) -> dict[WorkerId, int]:
    """How many tasks each worker has now."""
    query = select(tasks.c.worker_id, func.count()).where(IS_RUNNING).group_by(tasks.c.worker_id)
    return {WorkerId(worker): number for worker, number in transaction.execute(query)}
