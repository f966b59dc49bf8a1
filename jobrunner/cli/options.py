"""Options that many commands have, the same in each."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AtMost = Annotated[str | None, typer.Option(help="Wait at most so long.")]
