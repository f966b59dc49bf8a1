"""`jobrunner unit`: a service's text for systemd, Kubernetes or compose, right for this app."""

import math
import os
import pwd
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from jobrunner.cli import render
from jobrunner.cli.spans import parse_span
from jobrunner.cli.units import DATA, KINDS, Unit
from jobrunner.config import DEFAULT_DB
from jobrunner.core.errors import ConfigurationError

if TYPE_CHECKING:
    from jobrunner.cli.state import State

AFTER_GRACE: Final = 10
"""Seconds that a worker has beyond the grace of its tasks, to kill and to write down the rest."""

PROBED: Final = 8089
"""The port of the probes in a container."""

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def unit(
    context: typer.Context,
    kind: Annotated[
        Literal["systemd", "k8s", "compose"], typer.Argument(help="For what.", show_default=False)
    ],
    *,
    name: Annotated[str, typer.Option(help="Of the service.")] = "jobrunner",
    workers: Annotated[int, typer.Option(min=1, max=1000, help="Worker processes.")] = 1,
    concurrency: Annotated[int | None, typer.Option(help="Tasks at a time, each worker.")] = None,
    executor: Annotated[str | None, typer.Option(help="Where functions run.")] = None,
    queue: Annotated[list[str] | None, typer.Option("--queue", "-q", help="Only these.")] = None,
    shutdown_grace: Annotated[str, typer.Option(help="What running tasks get to end in.")] = "15s",
    user: Annotated[str | None, typer.Option(help="systemd: who it runs as; you.")] = None,
    image: Annotated[str | None, typer.Option(help="k8s, compose: the image.")] = None,
    replicas: Annotated[int, typer.Option(min=1, help="k8s: pods, on a server.")] = 1,
) -> None:
    """Print a service that runs workers of this application and database.

    It stops them in order: whoever stops it waits as long as the grace of the tasks, and 10 s.
    Passwords are not printed; the text says where to put them.
    """
    state: State = context.obj
    if not _NAME.fullmatch(name):
        hint = "Write small letters, digits and dashes."
        raise ConfigurationError(f"{name!r} is no name of a service", hint=hint)
    if kind != "systemd" and image is None:
        raise ConfigurationError(f"{kind} needs an image", hint="Name it: --image app:1.0.")
    settings, grace = state.settings, parse_span(shutdown_grace).total_seconds()
    health = None if kind == "systemd" else PROBED
    chosen = {"--workers": workers, "--concurrency": concurrency, "--executor": executor}
    options = ["-A", settings.app] if settings.app else []
    options.append("work")
    for flag, value in chosen.items():
        options += [] if value is None else [flag, str(value)]
    for one in queue or ():
        options += ["--queue", one]
    options += ["--shutdown-grace", shutdown_grace]
    options += [] if health is None else ["--health", f"0.0.0.0:{health}"]
    db, is_file = _database(state, in_container=kind != "systemd")
    made = Unit(
        name=name,
        options=options,
        db=db,
        is_file=is_file,
        stop_s=math.ceil(grace) + AFTER_GRACE,
        health=health,
        python=sys.executable,
        folder=str(Path.cwd()),
        user=user or _me(),
        image=image or "",
        replicas=replicas,
    )
    for line in KINDS[kind](made):
        render.out(line)


def _database(state: "State", *, in_container: bool) -> tuple[str | None, bool]:
    """The database as a service names it, and whether it is a file.

    One that only the application names is not named again, but for a file that needs a volume.
    """
    from jobrunner.storage.engine import Database  # noqa: PLC0415 — `--help` needs no SQLAlchemy

    settings = state.settings
    is_own = settings.app is not None and settings.db is None
    if is_own and not in_container:
        return None, False
    found = state.queue.store.unopened if is_own else Database(settings.db or DEFAULT_DB)
    if found.path is None:
        return None if is_own else found.name, False
    path = found.path.absolute()
    return f"{DATA}/{path.name}" if in_container else str(path), True


def _me() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user that has a number only
        return str(os.getuid())
