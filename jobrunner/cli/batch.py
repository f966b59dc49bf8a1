"""`jobrunner batch …`: look at batches; and a file of tasks as one batch."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json
from jobrunner.core.batch import RULES
from jobrunner.core.control_objects import batch_object
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.lines import Parsed
from jobrunner.core.objects import counts_text, moment

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.core.task import TaskId

BatchId = Annotated[int, typer.Argument(help="The batch's id.")]


def list_batches(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 50,
    before: Annotated[int | None, typer.Option(help="Only below this id, to go on.")] = None,
    as_json: Json = False,
) -> None:
    """List batches, the newest first."""
    state: State = context.obj
    found = state.stored.batches.find(before=before, limit=limit)
    if as_json:
        render.as_json([batch_object(batch) for batch in found])
        return
    render.table(
        ("id>", "description…", "tasks>", "ended", "created", "counts~"),
        (
            (
                batch.id,
                batch.description,
                sum(batch.tasks.values()),
                "yes" if batch.ended else "no",
                (moment(batch.created_at) or "")[:19],
                counts_text(batch.tasks),
            )
            for batch in found
        ),
    )


def show_batch(context: typer.Context, *, batch_id: BatchId, as_json: Json = False) -> None:
    """Show one batch: its counts and its callbacks. Its tasks: `task list --batch ID`."""
    state: State = context.obj
    batch = state.stored.batches.get(batch_id)
    shown = batch_object(batch)
    if as_json:
        render.as_json(shown)
        return
    statuses = {task.id: task.status for task in state.stored.batches.callbacks(batch)}
    for name in RULES:
        if (task_id := shown[name]) is not None:
            shown[name] = f"task {task_id}: {statuses.get(task_id, 'deleted')}"
    shown["tasks"] = counts_text(batch.tasks)
    shown["ended"] = "yes" if batch.ended else "no"
    render.fields((name.replace("_", " "), value) for name, value in shown.items())


def store_batch(
    state: "State", parsed: Parsed, description: str, named: dict[str, str]
) -> "tuple[int, list[TaskId]]":
    """Store lines as a batch, those that `named` tells by their refs as its callbacks.

    Returns the batch's id, and the tasks' ids in the order of the lines.

    Raises:
        ConfigurationError: no line has such a ref.
        InvalidTaskError: a task cannot be stored; none was.
    """
    places = {ref: at for at, ref in enumerate(parsed.refs)}
    for name, ref in named.items():
        if ref not in places:
            option = name.replace("_", "-")
            raise ConfigurationError(f"--{option}: no line has the ref {ref!r}")
    called = [places[named[name]] for name in RULES if name in named]
    members = [at for at in range(len(parsed.tasks)) if at not in set(called)]
    callbacks: dict[str, Any] = {name: parsed.tasks[places[ref]] for name, ref in named.items()}
    batch_id, ids = state.queue.batches.enqueue_ids(
        [parsed.tasks[at] for at in members], description=description, **callbacks
    )
    return batch_id, [task_id for _, task_id in sorted(zip([*members, *called], ids, strict=True))]
