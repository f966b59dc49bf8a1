"""Options that many commands have, the same in each."""

from typing import Annotated

import typer

from jobrunner.cli import completion

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Id = Annotated[int, typer.Argument(help="The task's id.", autocompletion=completion.tasks)]
Ids = Annotated[list[int], typer.Argument(help="Ids of tasks.", autocompletion=completion.tasks)]
AtMost = Annotated[str | None, typer.Option(help="Wait at most so long.")]
