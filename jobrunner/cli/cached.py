"""The options of `jobrunner enqueue` that let an unchanged task end from the cache."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from jobrunner.core.errors import ConfigurationError

if TYPE_CHECKING:
    from jobrunner.core.cache import Cache

WithCache = Annotated[
    bool, typer.Option("--cache", help="Do not run it if an equal task has completed.")
]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="FILE", help="With --cache: a file it reads; repeatable."),
]
Outputs = Annotated[
    list[str] | None,
    typer.Option("--output", metavar="FILE", help="With --cache: a file it makes; repeatable."),
]


def asked(
    wanted: bool,  # noqa: FBT001 — an option's value
    inputs: Sequence[str] | None,
    outputs: Sequence[str] | None,
) -> "Cache | None":
    """The cache that the options ask for.

    Raises:
        ConfigurationError: files are named for none.
        InvalidTaskError: a name is not right.
    """
    from jobrunner.core.cache import Cache  # noqa: PLC0415 — `--help` must be quick

    if wanted:
        return Cache(inputs=inputs or (), outputs=outputs or ())
    if inputs or outputs:
        raise ConfigurationError(
            "--input and --output are for --cache", hint="Give --cache too, or leave them out."
        )
    return None
