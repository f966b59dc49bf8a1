"""`jobrunner task …` and `jobrunner worker …`: look at tasks and workers, and act."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobrunner.cli import render
from jobrunner.cli.objects import attempt_object, log_object, moment, task_object, worker_object
from jobrunner.cli.report import print_workers, progress_text
from jobrunner.cli.spans import parse_span, span_text
from jobrunner.core.errors import (
    ConfigurationError,
    JobrunnerError,
    TaskFailedError,
    TaskNotFoundError,
)
from jobrunner.core.history import AttemptRecord
from jobrunner.core.status import Status

if TYPE_CHECKING:
    from jobrunner.cli.state import State

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Id = Annotated[int, typer.Argument(help="The task's id.")]
Ids = Annotated[list[int], typer.Argument(help="Ids of tasks.")]


def list_tasks(
    context: typer.Context,
    *,
    status: Annotated[Status | None, typer.Option(help="Only with this status.")] = None,
    queue: Annotated[str | None, typer.Option("--queue", "-q", help="Only of this queue.")] = None,
    function: Annotated[str | None, typer.Option(help="Only of this function.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 50,
    before: Annotated[int | None, typer.Option(help="Only below this id, to go on.")] = None,
    as_json: Json = False,
) -> None:
    """List tasks, the newest first."""
    state: State = context.obj
    found = state.stored.find(
        status=status, queue=queue, function=function, before=before, limit=limit
    )
    if as_json:
        render.as_json([task_object(task) for task in found])
        return
    render.table(
        ("id>", "status", "task…", "queue…", "priority>", "attempt>", "progress…"),
        (
            (
                task.id,
                task.status,
                task.name,
                task.queue,
                task.priority,
                f"{task.attempt}/{task.max_attempts}",
                progress_text(task),
            )
            for task in found
        ),
    )


def show(context: typer.Context, *, task_id: Id, as_json: Json = False) -> None:
    """Show all about one task, with its attempts."""
    state: State = context.obj
    task = state.stored.get(task_id)
    history = state.stored.history(task_id)
    shown = task_object(task)
    if as_json:
        render.as_json(shown | {"attempts": [attempt_object(attempt) for attempt in history]})
        return
    shown["command"] = " ".join(task.command) if task.command else None
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
                one.outcome.replace("_", " "),
                one.worker_id,
                (moment(one.started_at) or "")[:19],
                span_text((one.ended_at - one.started_at).total_seconds()),
                one.error,
            )
            for one in history
        ),
    )


def cancel(context: typer.Context, *, task_ids: Ids, as_json: Json = False) -> None:
    """Cancel waiting tasks; have running ones stopped."""
    state: State = context.obj
    told = {
        Status.CANCELLED: "cancelled",
        Status.IN_PROGRESS: "asked to stop",
    }
    _each(task_ids, lambda task_id: told[state.stored.cancel(task_id)], as_json=as_json)


def retry(context: typer.Context, *, task_ids: Ids, as_json: Json = False) -> None:
    """Run failed or cancelled tasks again."""
    state: State = context.obj
    _each(task_ids, lambda task_id: state.stored.retry(task_id).value, as_json=as_json)


def _each(task_ids: Sequence[int], act: Any, *, as_json: bool) -> None:
    """Act on each task, tell what came of it; the first error decides the exit code."""
    first: JobrunnerError | None = None
    done: dict[str, str] = {}
    for task_id in task_ids:
        try:
            done[str(task_id)] = act(task_id)
        except JobrunnerError as error:
            if first is not None:
                render.talk(f"jobrunner: {error}.")
            first = first or error
    if as_json:
        render.as_json(done)
    else:
        for name, said in done.items():
            render.out(f"task {name}: {said}")
    if first is not None:
        raise first


def update(
    context: typer.Context,
    *,
    task_id: Id,
    priority: Annotated[
        int | None, typer.Option("--priority", "-p", help="Higher runs first.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="What people see.")] = None,
    queue: Annotated[str | None, typer.Option("--queue", "-q", help="Queue.")] = None,
    as_json: Json = False,
) -> None:
    """Change a task that has not started."""
    if priority is None and description is None and queue is None:
        raise ConfigurationError(
            "there is nothing to change", hint="Give --priority, --description or --queue."
        )
    state: State = context.obj
    task = state.stored.update(task_id, priority=priority, description=description, queue=queue)
    if as_json:
        render.as_json(task_object(task))
    else:
        render.out(f"task {task_id}: changed")


def wait(
    context: typer.Context,
    *,
    task_ids: Ids,
    timeout: Annotated[str | None, typer.Option(help="Wait at most so long.")] = None,
    as_json: Json = False,
) -> None:
    """Wait until tasks have ended.

    Exit code 6 if one did not complete, 7 if it took too long.
    """
    wait_for(context.obj, task_ids, timeout, as_json=as_json)


def wait_for(
    state: "State", task_ids: Sequence[int], timeout: str | None, *, as_json: bool = False
) -> None:
    """Wait for tasks, show how many have ended, and raise for the first that did not complete.

    Raises:
        TaskFailedError: a task failed or was cancelled.
        WaitTimeoutError: a task did not end in time.
    """
    seconds = parse_span(timeout).total_seconds() if timeout is not None else None
    total = len(task_ids)
    with render.bar("Waiting", total) as bar:
        ended = state.stored.wait(
            task_ids, timeout=seconds, on_open=lambda still_open: bar(total - still_open, total)
        )
    if as_json:
        render.as_json([task_object(task) for task in ended])
    for task in ended:
        if task.status is not Status.COMPLETED:
            raise TaskFailedError(task.id, task.status, task.error)


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


def list_workers(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    as_json: Json = False,
) -> None:
    """List the workers that run."""
    state: State = context.obj
    found = [one for one in state.stored.workers() if every or one.stopped_at is None]
    if as_json:
        render.as_json([worker_object(worker) for worker in found])
        return
    print_workers(found, state.stored.clock.now(), none="No worker is running.")
