"""The options of `jobrunner enqueue`, and what each says of itself."""

from pathlib import Path
from typing import Annotated

import typer

from jobrunner.cli import completion

FunctionName = Annotated[
    str | None,
    typer.Argument(
        help="The function's name; or a command after --.", autocompletion=completion.functions
    ),
]
Arguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="[K=V | K:=JSON]...", help="Its arguments: text, or JSON."),
]
Source = Annotated[
    str | None, typer.Option("--from", help="JSON lines, one task each: a file, or -.")
]
OnQueue = Annotated[
    str | None, typer.Option("--queue", "-q", autocompletion=completion.queues, help="Queue.")
]
Priority = Annotated[
    int | None, typer.Option("--priority", "-p", help="Higher runs first; default 0.")
]
Delay = Annotated[str | None, typer.Option(help="Not before so long: 90, 5m, 1h30m.")]
At = Annotated[str | None, typer.Option(help="Not before this moment, ISO 8601.")]
After = Annotated[
    list[int] | None, typer.Option(help="Run after this task has completed; repeatable.")
]
AfterAny = Annotated[list[int] | None, typer.Option(help="Run after this task, however it ended.")]
Timeout = Annotated[str | None, typer.Option(help="Stop an attempt after so long.")]
MaxAttempts = Annotated[int | None, typer.Option(help="Attempts before it fails; default 5.")]
Expires = Annotated[str | None, typer.Option(help="Not started after so long, or after a moment.")]
Description = Annotated[str | None, typer.Option(help="What people see.")]
Key = Annotated[
    str | None, typer.Option(help="Concurrency key: its tasks share limits, one at a time.")
]
Needs = Annotated[str | None, typer.Option(help="What its worker must offer: gpu=1,memory=4.")]
Folder = Annotated[Path | None, typer.Option(help="The command's folder; default: the worker's.")]
ResultOf = Annotated[str | None, typer.Option(help="What a command returns: exit_code or stdout.")]
WithResults = Annotated[
    bool, typer.Option("--results", help="Hand the command a file of its parents' results.")
]
BatchName = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Store the lines as a batch of this name.")
]
OnSuccess = Annotated[
    str | None, typer.Option(metavar="REF", help="Run this line if the batch completes.")
]
OnFailure = Annotated[
    str | None, typer.Option(metavar="REF", help="Run this line if some of it does not.")
]
OnEnd = Annotated[
    str | None, typer.Option(metavar="REF", help="Run this line once the batch has ended.")
]
OnlyPlan = Annotated[
    bool, typer.Option("--plan", help="Only show the graph of the lines, and its problems.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")]
