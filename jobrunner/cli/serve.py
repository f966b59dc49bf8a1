"""`jobrunner serve`: REST and pages over HTTP, with workers beside them if asked for."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from jobrunner.cli import render
from jobrunner.cli.work import log_setup
from jobrunner.core.errors import ConfigurationError
from jobrunner.runtime.noted import noted

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.task_queue import TaskQueue
    from jobrunner.web.server import Server


def serve(
    context: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="Where to listen; others need a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any that is free.")] = 8750,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(help="Another name that it is called by, as in the URL: jobs.lan:8750."),
    ] = None,
    with_workers: Annotated[
        int, typer.Option(min=0, max=1000, help="Run so many worker processes, too.")
    ] = 0,
    read_only: Annotated[bool, typer.Option("--read-only", help="Only show.")] = False,
    allow_commands: Annotated[
        bool, typer.Option("--allow-commands", help="Take commands, not only functions.")
    ] = False,
    log_format: Annotated[str | None, typer.Option(help="text or json.")] = None,
) -> None:
    """Serve the pages and REST. Ctrl-C or SIGTERM ends in order, a second one at once.

    Who may submit a task runs code as the user of the workers: see SECURITY.md.
    """
    state: State = context.obj
    set_up = log_setup(state, log_format, quiet=False)
    try:
        from jobrunner.web.options import ServeOptions  # noqa: PLC0415 — only `serve` needs it
        from jobrunner.web.server import Server  # noqa: PLC0415 — as above
    except ImportError as error:
        raise ConfigurationError(
            f"the server is not installed: {error}",
            hint="Install the extra: durable-jobrunner[web].",
        ) from error
    options = ServeOptions(
        host=host,
        port=port,
        read_only=read_only,
        allow_commands=allow_commands,
        hosts=tuple(allowed_host or ()),
        with_workers=with_workers,
    )
    queue = state.stored if read_only else state.queue
    set_up()
    server = Server(queue, options)
    render.out(server.options.url)
    render.flush()
    received = _run(queue, server, set_up)
    if server.error is not None:
        raise server.error
    if received:
        raise typer.Exit(128 + received)


def _run(queue: "TaskQueue", server: "Server", set_up: Callable[[], None]) -> int:
    """Serve, and work, until a signal comes; returns it, or 0 if something else has ended it."""
    from jobrunner import Scheduler  # noqa: PLC0415 — `--help` needs no SQLAlchemy

    number = server.options.with_workers
    scheduler = Scheduler(queue, workers=number, setup=set_up) if number else None
    ended = threading.Event()

    def end() -> None:
        ended.set()
        if scheduler is not None:
            scheduler.stop()

    def stop(_reason: str) -> None:
        server.stop()
        if scheduler is not None:
            scheduler.stop()

    with noted(stop) as received:
        server.start(end)
        try:
            if scheduler is not None:
                scheduler.run()
            else:
                ended.wait()
        finally:
            server.end()
            server.join()
    return received[0] if received else 0
