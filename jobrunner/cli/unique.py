"""Unique keys as the options of the command line tell them."""

from typing import Annotated, Any

import typer

from jobrunner.cli.spans import parse_span
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.line_unique import WORDS, statuses_of
from jobrunner.core.unique import Unique

UniqueKey = Annotated[str | None, typer.Option(metavar="KEY", help="At most one task of this key.")]
UniqueFor = Annotated[str | None, typer.Option(help="Only for so long after the other was stored.")]
UniqueWhile = Annotated[
    list[str] | None,
    typer.Option(help=f"While the other is: {', '.join(WORDS)}; repeatable, default live."),
]
IfExists = Annotated[str | None, typer.Option(help="error, ignore or replace; default error.")]
MaxWait = Annotated[str | None, typer.Option(help="With replace: put off by at most so long.")]


def from_options(key: str | None, **options: Any) -> Unique | None:
    """The rule of `--unique KEY` and the options beside it, by the names of the flags.

    Raises:
        ConfigurationError: one of those has no meaning, or there is no key.
        InvalidTaskError: the rule makes no sense.
    """
    given = {name: value for name, value in options.items() if value not in (None, [])}
    if key is None:
        for name in given:
            flag = name.replace("_", "-")
            raise ConfigurationError(f"--{flag} goes with --unique", hint="Add --unique KEY.")
        return None
    fields: dict[str, Any] = {}
    if "unique_for" in given:
        fields["within"] = parse_span(given["unique_for"])
    if "max_wait" in given:
        fields["max_wait"] = parse_span(given["max_wait"])
    if "if_exists" in given:
        fields["on_conflict"] = given["if_exists"]
    if "unique_while" in given:
        fields["in_"] = statuses_of(given["unique_while"])
    return Unique(key=key, **fields)
