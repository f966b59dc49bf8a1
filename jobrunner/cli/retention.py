"""`jobrunner db retention` and `jobrunner db prune`: how long what has ended is kept."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from jobrunner.cli import completion, render
from jobrunner.cli.bulk import ASK_ABOVE, confirm
from jobrunner.cli.filters import DryRun, Yes
from jobrunner.cli.options import Json
from jobrunner.cli.spans import parse_span, span_text
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.retention import DEFAULT, FOREVER, OF_ALL, UNLESS_SAID, Kept, Retention
from jobrunner.core.status import FINAL, Status

if TYPE_CHECKING:
    from jobrunner.cli.state import State

_HELP: Final = "How long those are kept: 7d, forever, default."


def retention(
    context: typer.Context,
    *,
    queue: Annotated[
        str | None,
        typer.Option(
            "--queue",
            "-q",
            autocompletion=completion.queues,
            help="The rule of this queue; else of all.",
        ),
    ] = None,
    completed: Annotated[str | None, typer.Option(help=_HELP)] = None,
    failed: Annotated[str | None, typer.Option(help=_HELP)] = None,
    cancelled: Annotated[str | None, typer.Option(help=_HELP)] = None,
    as_json: Json = False,
) -> None:
    """Show how long ended tasks are kept, or say it.

    A queue's rule takes the place of the one for all queues, status by status.
    """
    if queue == OF_ALL:
        raise ConfigurationError("a queue has a name", hint="Leave --queue out to mean all.")
    state: State = context.obj
    given = {"completed": completed, "failed": failed, "cancelled": cancelled}
    kept: dict[str, Kept] = {name: _kept(text) for name, text in given.items() if text is not None}
    home = state.queue if kept else state.stored
    rules = home.retention.set(queue or OF_ALL, **kept)
    shown = [queue] if queue else [OF_ALL, *sorted(rules.rules.keys() - {OF_ALL})]
    if as_json:
        render.as_json([_object(rules, name) for name in shown])
        return
    render.table(
        ("queue…", *(status.value for status in UNLESS_SAID)),
        (
            (name or "(all)", *(_words(rules.of(name, status)) for status in UNLESS_SAID))
            for name in shown
        ),
    )


def _kept(text: str) -> Kept:
    if text == FOREVER:
        return FOREVER
    return DEFAULT if text == DEFAULT else parse_span(text)


def _object(rules: Retention, queue: str) -> dict[str, Any]:
    """Seconds; null is for ever."""
    ages = {status.value: rules.of(queue, status) for status in UNLESS_SAID}
    seconds = {f"keep_{name}": age and age.total_seconds() for name, age in ages.items()}
    own = rules.rules.get(queue)
    said = [status.value for status in UNLESS_SAID if own and own.of(status) != DEFAULT]
    return {"queue": queue or None, **seconds, "said": said}


def _words(age: timedelta | None) -> str:
    return FOREVER if age is None else span_text(age.total_seconds())


def prune(
    context: typer.Context,
    *,
    older_than: Annotated[
        str | None,
        typer.Option(help="What ended longer ago than 30d; else what its queue keeps no longer."),
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Only with this status.")] = None,
    queue: Annotated[
        str | None,
        typer.Option("--queue", "-q", autocompletion=completion.queues, help="Only of this queue."),
    ] = None,
    function: Annotated[
        str | None, typer.Option(autocompletion=completion.functions, help="Only of this function.")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete tasks that ended long ago, with their history.

    Never what an unfinished task, a batch or a schedule still needs. Workers do the same by
    themselves, by the rules of `db retention`. It may be interrupted and run again.
    """
    if status is not None and status not in FINAL:
        listed = ", ".join(ended.value for ended in UNLESS_SAID)
        raise ConfigurationError(f"a task that is {status} has not ended", hint=f"Name {listed}.")
    state: State = context.obj
    chosen: dict[str, Any] = {
        "older_than": None if older_than is None else parse_span(older_than),
        "status": status,
        "queue": queue,
        "function": function,
    }
    rules = state.stored.retention
    matched, deleted = rules.count(**chosen), 0
    if matched and not dry_run:
        confirm(matched, "Delete them", yes=yes or matched <= ASK_ABOVE)
        with render.bar(f"deleting {matched:,} tasks", matched) as show:
            deleted = rules.prune(progress=lambda done: show(done, matched), **chosen)
    if as_json:
        render.as_json({"matched": matched, "deleted": deleted, "dry_run": dry_run})
    elif dry_run:
        render.out(f"{matched:,} tasks would be deleted.")
    else:
        render.out(f"Deleted {deleted:,} tasks.")
