"""`jobrunner task log`: what the attempts of a task have written, or write just now."""

from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Id, Json
from jobrunner.core.errors import TaskNotFoundError
from jobrunner.core.history import AttemptRecord
from jobrunner.core.objects import log_object, moment
from jobrunner.core.task import Task
from jobrunner.core.written import Piece, Stream, Written, piece_object
from jobrunner.runtime.noted import noted

if TYPE_CHECKING:
    from jobrunner.cli.state import State


def log(
    context: typer.Context,
    *,
    task_id: Id,
    attempt: Annotated[int | None, typer.Option(help="Its number; default: the last.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show more as it is written, until the end.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what an attempt wrote, or has written so far.

    What went to stdout goes to stdout; stderr, what a function logged, and its traceback go to
    stderr. With --follow, until the task has ended, or that attempt; --json is then a line a piece.
    """
    state: State = context.obj
    queue = state.stored
    task, running, history = queue.get(task_id), queue.written(task_id), queue.history(task_id)
    # It may have ended between the two looks.
    is_running = running.outcome is None and running.run == len(history)
    if follow:
        run = None if attempt is None else _run(task_id, attempt, history, running)
        _follow(state, task_id, run, as_json=as_json)
        return
    chosen = [one for one in history if attempt in (None, one.number)]
    also = is_running and attempt in (None, running.number)
    if attempt is not None and not chosen and not also:
        raise AttemptNotFoundError(task_id, attempt)
    if as_json:
        told = [log_object(one) for one in chosen]
        render.as_json([*told, _running_object(task, running)] if also else told)
    elif also:
        _show_running(running)
    else:
        for one in chosen[-1:]:
            _show(one.stdout, one.stderr, one.traceback)


def _show(stdout: str | None, *aside: str | None) -> None:
    if stdout:
        render.out(stdout.removesuffix("\n"))
    for text in aside:
        if text:
            render.talk(text.removesuffix("\n"))


def _show_running(running: Written) -> None:
    if running.stdout.text or running.stderr.text:
        _show(running.stdout.text, running.stderr.text)
    else:
        render.talk(f"attempt {running.number} runs, and has written nothing so far")


def _running_object(task: Task[Any], running: Written) -> dict[str, Any]:
    """The attempt that runs, with the names of those that have ended."""
    names = (field.name for field in fields(AttemptRecord) if field.name != "task_id")
    return dict.fromkeys(names) | {
        "number": running.number,
        "worker_id": task.worker_id,
        "ready_at": moment(task.run_at),
        "started_at": moment(task.started_at),
        "stdout": running.stdout.text,
        "stderr": running.stderr.text,
    }


def _run(task_id: int, attempt: int, history: Iterable[AttemptRecord], newest: Written) -> int:
    """Which of the runs of a task has a number: the last of them."""
    runs = [run for run, one in enumerate(history) if one.number == attempt]
    if newest.run is not None and newest.number == attempt:
        runs.append(newest.run)
    if not runs:
        raise AttemptNotFoundError(task_id, attempt)
    return runs[-1]


def _follow(state: "State", task_id: int, run: int | None, *, as_json: bool) -> None:
    screen = _Screen()
    with noted() as received:

        def look() -> None:
            if received:
                raise typer.Exit(128 + received[0])

        once = run is not None
        for piece in state.stored.follow(task_id, run=run, once=once, on_wait=look):
            if as_json:
                render.json_line(piece_object(piece))
            else:
                screen.show(piece)
    screen.end()


class _Screen:
    """Both streams, each on its own; of several attempts, each below its number."""

    def __init__(self) -> None:
        self._run: int | None = None
        self._open_lines: set[bool] = set()  # which of the two stands in the middle of a line

    def show(self, piece: Piece) -> None:
        if self._run not in (None, piece.run):
            self.end()
            render.talk(f"--- attempt {piece.number} ---")
        self._run = piece.run
        is_aside = piece.stream is not Stream.STDOUT
        render.piece(piece.text, aside=is_aside)
        (self._open_lines.discard if piece.text.endswith("\n") else self._open_lines.add)(is_aside)

    def end(self) -> None:
        for is_aside in self._open_lines:
            render.piece("\n", aside=is_aside)
        self._open_lines = set()


class AttemptNotFoundError(TaskNotFoundError):
    """The task has no such attempt."""

    def __init__(self, task_id: int, number: int) -> None:
        """`number` is the attempt that was asked for."""
        super().__init__(task_id)
        self.args = (f"task {task_id} has no attempt {number} that has begun",)
        self.hint = f"See `jobrunner task show {task_id}`."
