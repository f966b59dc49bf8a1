"""The options by which commands choose among tasks, and what each says of itself."""

from typing import Annotated

import typer

from jobrunner.cli import completion
from jobrunner.core.status import Status

Ids = Annotated[
    list[int] | None,
    typer.Argument(help="Ids of tasks.", show_default=False, autocompletion=completion.tasks),
]
WithStatus = Annotated[Status | None, typer.Option("--status", help="Those with this status.")]
OfQueue = Annotated[
    str | None,
    typer.Option("--queue", "-q", autocompletion=completion.queues, help="Those of this queue."),
]
OfFunction = Annotated[
    str | None,
    typer.Option("--function", autocompletion=completion.functions, help="Those of this function."),
]
WithError = Annotated[str | None, typer.Option("--error", help="Those whose error has this text.")]
OlderThan = Annotated[
    str | None, typer.Option("--older-than", help="Ended, or enqueued, longer ago than 30d.")
]
NewerThan = Annotated[
    str | None, typer.Option("--newer-than", help="Ended, or enqueued, within the last 1h.")
]
OfBatch = Annotated[int | None, typer.Option("--batch", help="Those of this batch.")]
Every = Annotated[bool, typer.Option("--all", help="All that can be.")]
Downstream = Annotated[
    bool, typer.Option("--downstream", help="And all that depends on them, completed or not.")
]
FailedOnly = Annotated[
    bool, typer.Option("--failed-only", help="Of these, only what failed or was cancelled.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell how many.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
