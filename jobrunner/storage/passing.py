"""Results of parents, put where a claimed task wants them: arguments, command, file."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, bindparam, select

from jobrunner.core import extras, payload
from jobrunner.core.results import ARGV, FILE, GONE, WANTS, as_word, filled, wanted
from jobrunner.core.task import Lease, TaskId
from jobrunner.storage.chunks import chunks
from jobrunner.storage.tables import dependencies, tasks

_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_RESULTS: Final = select(tasks.c.id, tasks.c.result).where(tasks.c.id.in_(_IDS))
_EDGES: Final = (
    select(dependencies.c.dependent_id, dependencies.c.parent_id)
    .where(dependencies.c.dependent_id.in_(_IDS))
    .order_by(dependencies.c.dependent_id, dependencies.c.parent_id)
)

Results = Mapping[TaskId, str | None]
"""Results as JSON text; `None` for a task that returned nothing or did not complete."""


def passed(transaction: Connection, leases: list[Lease]) -> list[Lease]:
    """Leases with the results that they want, those that have not asked for any as they are."""
    options = {lease.task_id: extras.decode(lease.extras) for lease in leases if lease.extras}
    wanting = {task_id: some for task_id, some in options.items() if some.keys() & {WANTS, FILE}}
    if not wanting:
        return leases
    with_file = [task_id for task_id, some in wanting.items() if FILE in some]
    parents = _parents(transaction, with_file)
    wants = {
        lease.task_id: _wanted(lease, wanting[lease.task_id])
        for lease in leases
        if lease.task_id in wanting
    }
    every = {one for some in (*wants.values(), *parents.values()) for one in some}
    results = _results(transaction, sorted(every))
    return [
        _with(lease, wanting[lease.task_id], wants[lease.task_id], parents, results)
        if lease.task_id in wanting
        else lease
        for lease in leases
    ]


def _wanted(lease: Lease, options: Mapping[str, Any]) -> set[TaskId]:
    if WANTS not in options:
        return set()
    return {*wanted(lease.args), *wanted(lease.kwargs), *options.get(ARGV, {}).values()}


def _parents(transaction: Connection, ids: Sequence[TaskId]) -> dict[TaskId, list[TaskId]]:
    found: dict[TaskId, list[TaskId]] = {task_id: [] for task_id in ids}
    for some in chunks(ids):
        for dependent, parent in transaction.execute(_EDGES, {"ids": some}):
            found[dependent].append(parent)
    return found


def _results(transaction: Connection, ids: Sequence[TaskId]) -> Results:
    return {
        task_id: result
        for some in chunks(ids)
        for task_id, result in transaction.execute(_RESULTS, {"ids": some}).all()
    }


def _with(
    lease: Lease,
    options: Mapping[str, Any],
    wants: Iterable[TaskId],
    parents: Mapping[TaskId, Sequence[TaskId]],
    results: Results,
) -> Lease:
    changed = dict(options)
    if lease.task_id in parents:
        changed[FILE] = _object(parents[lease.task_id], results)
    gone = sorted(parent for parent in wants if parent not in results)
    if gone:  # a retry, long after: nobody starts it without its arguments
        return lease._replace(extras=json.dumps({**changed, GONE: gone}))
    if WANTS in options:
        lease = lease._replace(
            args=filled(lease.args, results),
            kwargs=filled(lease.kwargs, results),
            command=_command(lease.command, options.get(ARGV, {}), results),
        )
    return lease._replace(extras=json.dumps(changed))


def _object(parents: Iterable[TaskId], results: Results) -> str:
    """Results by the ids of their tasks, as JSON text."""
    members = (f'"{parent}":{results[parent] or "null"}' for parent in parents)
    return f"{{{','.join(members)}}}"


def _command(text: str | None, places: Mapping[str, TaskId], results: Results) -> str | None:
    if not places:
        return text
    words: list[str] = payload.decode(text)
    for at, parent in places.items():
        words[int(at)] = as_word(results[parent])
    return json.dumps(words, ensure_ascii=False)
