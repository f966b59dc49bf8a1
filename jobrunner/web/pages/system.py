"""The system page: where the tasks live, what may be wrong there, who did what."""

import platform
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from jobrunner import _version
from jobrunner.core.retention import OF_ALL, Retention
from jobrunner.core.role import Role
from jobrunner.core.span import span_word
from jobrunner.core.status import Status
from jobrunner.core.task import TASK_IDS
from jobrunner.storage import extent
from jobrunner.task_queue import TaskQueue
from jobrunner.web.identity import Reader
from jobrunner.web.pages import view
from jobrunner.web.pages.overview import Looking
from jobrunner.web.serving import Options, Queue

router = APIRouter(include_in_schema=False)

SHOWN: Final = 50
"""Entries of the audit log on a page."""

ENDED: Final = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


@router.get("/system")
def system(
    request: Request,
    queue: Queue,
    options: Options,
    glance: Looking,
    who: Reader,
    before: Annotated[int | None, Query(ge=1, le=TASK_IDS[-1])] = None,
) -> Response:
    """The page; the log and the tokens are for those who may operate. `before` pages the log."""
    database = queue.store.database
    found = queue.store.read(extent.extent, database.path)
    context: dict[str, Any] = {
        "location": database.name,
        "extent": found,
        "size": _mib(found.size),
        "wal": None if found.wal is None else _mib(found.wal),
        "retention": _rules(queue.retention.get()),
        "findings": glance.findings.all(),
        "options": options,
        "functions": len(queue.registry.names),
        "version": _version.__version__,
        "python": platform.python_version(),
        "may_operate": who.role.allows(Role.OPERATE),
    }
    if context["may_operate"]:
        context |= _restricted(queue, before)
    return view.render(request, "system.html", **context)


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"


def _restricted(queue: TaskQueue, before: int | None) -> dict[str, Any]:
    found = queue.audit.list(limit=SHOWN + 1, before=before)
    entries = found[:SHOWN]
    older = f"/system?before={entries[-1].id}#audit" if len(found) > SHOWN else None
    return {
        "tokens": queue.tokens.list(),
        "entries": entries,
        "newest": "/system#audit" if before else None,
        "older": older,
    }


def _rules(retention: Retention) -> list[tuple[str, list[str]]]:
    """How long what has ended is kept, first in the queues without a rule of their own."""
    names = [OF_ALL, *sorted(name for name in retention.rules if name != OF_ALL)]
    return [
        (name or "all others", [_kept(retention, name, status) for status in ENDED])
        for name in names
    ]


def _kept(retention: Retention, name: str, status: Status) -> str:
    kept = retention.of(name, status)
    if kept is None:
        return "for ever"
    is_days = kept.days > 1 and kept == timedelta(days=kept.days)
    return f"{kept.days:,} days" if is_days else span_word(kept)
