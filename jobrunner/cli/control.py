"""`jobrunner task list` and `jobrunner task wait`: look at tasks, and wait for them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from jobrunner.cli import completion, render
from jobrunner.cli.options import AtMost, Ids, Json
from jobrunner.cli.spans import parse_seconds
from jobrunner.core.errors import TaskFailedError
from jobrunner.core.objects import task_object
from jobrunner.core.status import Status
from jobrunner.runtime.noted import noted

if TYPE_CHECKING:
    from jobrunner.cli.state import State


def list_tasks(
    context: typer.Context,
    *,
    status: Annotated[Status | None, typer.Option(help="Only with this status.")] = None,
    queue: Annotated[
        str | None,
        typer.Option("--queue", "-q", autocompletion=completion.queues, help="Only of this queue."),
    ] = None,
    function: Annotated[
        str | None, typer.Option(autocompletion=completion.functions, help="Only of this function.")
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Only members of this batch.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 50,
    before: Annotated[int | None, typer.Option(help="Only below this id, to go on.")] = None,
    as_json: Json = False,
) -> None:
    """List tasks, the newest first."""
    state: State = context.obj
    found = state.stored.find(
        status=status,
        queue=queue,
        function=function,
        batch_id=batch,
        before=before,
        limit=limit,
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
                str(task.progress or ""),
            )
            for task in found
        ),
    )


def wait(
    context: typer.Context,
    *,
    task_ids: Ids,
    timeout: AtMost = None,
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
    seconds = parse_seconds(timeout)
    with noted() as received, render.bar("Waiting") as bar:
        far = _how_far(state, task_ids)

        def look(still_open: int) -> None:
            if received:
                raise typer.Exit(128 + received[0])
            bar(*far(still_open))

        ended = state.stored.wait(task_ids, timeout=seconds, on_open=look)
    if as_json:
        render.as_json([task_object(task) for task in ended])
    for task in ended:
        if task.status is not Status.COMPLETED:
            raise TaskFailedError(task.id, task.status, task.error)


def _how_far(state: "State", task_ids: Sequence[int]) -> Callable[[int], tuple[int, int]]:
    """Of many tasks how many have ended; of a single one how far it says it is, for who looks."""
    total = len(task_ids)

    def single(still_open: int) -> tuple[int, int]:
        progress = state.stored.get(task_ids[0]).progress if still_open else None
        if progress is None or not progress.total:
            return 1 - still_open, 1
        return int(progress.done), int(progress.total)

    if total == 1 and render.shows_bars():
        return single
    return lambda still_open: (total - still_open, total)
