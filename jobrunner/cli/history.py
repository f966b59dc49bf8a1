"""`jobrunner task show`: one task and its attempts."""

import json
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from jobrunner.cli import render
from jobrunner.cli.control import Id
from jobrunner.cli.options import Json
from jobrunner.cli.spans import span_text
from jobrunner.cli.status import progress_text
from jobrunner.core.history import AttemptRecord
from jobrunner.core.objects import attempt_object, moment, task_object
from jobrunner.core.outcome import label

if TYPE_CHECKING:
    from jobrunner.cli.state import State


def show(context: typer.Context, *, task_id: Id, as_json: Json = False) -> None:
    """Show all about one task, with its attempts."""
    state: State = context.obj
    task = state.stored.get(task_id)
    history = state.stored.history(task_id)
    shown = task_object(task)
    if as_json:
        render.as_json(shown | {"attempts": [attempt_object(attempt) for attempt in history]})
        return
    shown["command"] = shlex.join(task.command) if task.command else None
    for name in ("args", "kwargs", "result"):
        shown[name] = json.dumps(shown[name], ensure_ascii=False) if shown[name] else shown[name]
    shown["progress"] = progress_text(task)
    shown["status"] = task.status.label
    shown["after"] = ", ".join(map(str, task.after))
    render.fields(
        (name.replace("_", " "), value)
        for name, value in shown.items()
        if (value not in ([], {}) and name != "crashes") or value
    )
    if history:
        render.out("")
        print_history(history)


def print_history(history: Iterable[AttemptRecord]) -> None:
    """A table of attempts."""
    render.table(
        ("attempt>", "outcome", "worker", "started", "ran>", "error~"),
        (
            (
                one.number,
                label(one.outcome),
                one.worker_id,
                (moment(one.started_at) or "")[:19],
                span_text((one.ended_at - one.started_at).total_seconds()),
                one.error,
            )
            for one in history
        ),
    )
