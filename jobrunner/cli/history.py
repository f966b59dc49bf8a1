"""`jobrunner task show` and `jobrunner task log`: one task, its attempts, what they wrote."""

import json
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from jobrunner.cli import render
from jobrunner.cli.control import Id
from jobrunner.cli.options import Json
from jobrunner.cli.report import progress_text
from jobrunner.cli.spans import span_text
from jobrunner.core.errors import TaskNotFoundError
from jobrunner.core.estimate_objects import estimate_object
from jobrunner.core.history import AttemptRecord
from jobrunner.core.objects import attempt_object, log_object, moment, task_object
from jobrunner.core.outcome import label
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
    shown["progress"] = progress_text(task)
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


def log(
    context: typer.Context,
    *,
    task_id: Id,
    attempt: Annotated[int | None, typer.Option(help="Its number; default: the last.")] = None,
    as_json: Json = False,
) -> None:
    """Show what an attempt wrote.

    A command's stdout goes to stdout; its stderr, or a function's traceback, to stderr.
    """
    state: State = context.obj
    state.stored.get(task_id)
    history = state.stored.history(task_id)
    chosen = [one for one in history if attempt in (None, one.number)]
    if attempt is not None and not chosen:
        raise AttemptNotFoundError(task_id, attempt)
    if as_json:
        render.as_json([log_object(one) for one in chosen])
        return
    for one in chosen[-1:]:
        render.out((one.stdout or "").removesuffix("\n")) if one.stdout else None
        for text in (one.stderr, one.traceback):
            if text:
                render.talk(text.removesuffix("\n"))


class AttemptNotFoundError(TaskNotFoundError):
    """The task has no such attempt."""

    def __init__(self, task_id: int, number: int) -> None:
        """`number` is the attempt that was asked for."""
        super().__init__(task_id)
        self.args = (f"task {task_id} has no attempt {number} that has ended",)
        self.hint = f"See `jobrunner task show {task_id}`."
