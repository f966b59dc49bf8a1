"""`jobrunner task show`: one task and its attempts."""

import json
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Id, Json
from jobrunner.cli.spans import span_text
from jobrunner.core.estimate_objects import estimate_object
from jobrunner.core.history import AttemptRecord
from jobrunner.core.objects import attempt_object, moment, task_object
from jobrunner.core.outcome import label
from jobrunner.core.size import size_text
from jobrunner.core.status import Status

if TYPE_CHECKING:
    from jobrunner.cli.state import State


def show(context: typer.Context, *, task_id: Id, as_json: Json = False) -> None:
    """Show all about one task, with its attempts."""
    state: State = context.obj
    task = state.stored.get(task_id)
    history = state.stored.history(task_id)
    left = None if task.status.is_final else state.stored.estimates.left(task)
    shown = task_object(task)
    if as_json:
        told = {"left": None if left is None else estimate_object(left)}
        attempts = {"attempts": [attempt_object(attempt) for attempt in history]}
        render.as_json(shown | told | attempts)
        return
    shown["command"] = shlex.join(task.command) if task.command else None
    for name in ("args", "kwargs", "result"):
        shown[name] = json.dumps(shown[name], ensure_ascii=False) if shown[name] else shown[name]
    shown["progress"] = str(task.progress or "")
    shown["status"] = task.status.label
    shown["after"] = ", ".join(map(str, task.after))
    if left is not None:
        shown["left" if task.status is Status.IN_PROGRESS else "will run"] = str(left)
    render.fields(
        (name.replace("_", " "), value)
        for name, value in shown.items()
        if (value not in ([], {}) and name != "crashes") or value
    )
    if history:
        render.out("")
        print_history(history)


def print_history(history: Iterable[AttemptRecord]) -> None:
    """A table of attempts, on a terminal another of what they took as far as that is known.

    All in one would leave no room for errors where a terminal has 80 columns.
    """
    records = list(history)
    columns = ("attempt>", "outcome", "worker", "started", "ran>", "error~")
    took = ("cpu>", "memory at its peak>")
    rows = [_row(one) for one in records]
    if not render.is_terminal():
        each = zip(rows, map(_took, records), strict=True)
        render.table((*columns, *took), [(*row, *more) for row, more in each])
        return
    render.table(columns, rows)
    known = [one for one in records if one.cpu_s is not None or one.peak_memory is not None]
    if known:
        render.out("")
        render.table(("attempt>", *took), [(one.number, *_took(one)) for one in known])


def _row(one: AttemptRecord) -> tuple[render.Cell, ...]:
    started = (moment(one.started_at) or "")[:19]
    ran = span_text((one.ended_at - one.started_at).total_seconds())
    return one.number, label(one.outcome), one.worker_id, started, ran, one.error


def _took(one: AttemptRecord) -> tuple[render.Cell, ...]:
    return span_text(one.cpu_s), size_text(one.peak_memory)
