"""`jobrunner mcp`: let a language model look at the queue."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from jobrunner.cli.state import State


def mcp(context: typer.Context) -> None:
    """Let a language model look at the queue.

    Serve it over stdin and stdout to a client of the Model Context Protocol. Its tools only
    look: status, tasks, why one does not run, logs, report, failures. Secrets are masked.
    The client starts this command itself; see docs/mcp.md.
    """
    from jobrunner.contrib.mcp import server  # noqa: PLC0415 — `--help` needs no SQLAlchemy

    state: State = context.obj
    server(state.stored).run(transport="stdio")
