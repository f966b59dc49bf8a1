"""The words of a command line, put into the order that Typer reads."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

_VALUED: Final = re.compile(r"(--db|--app|-A)|--(?:db|app)=.*|-A.+", re.DOTALL)
"""Global options that take a value; where the group matches, it is the next word."""

_COUNTED: Final = re.compile(r"-v+|--verbose")


def arranged(argv: Sequence[str]) -> tuple[list[str], list[str] | None]:
    """Put the global options first; what stands behind the `--` of a task comes apart.

    Typer would swallow it, and with it the difference between a function and a command.
    """
    at = argv.index("--") if "--" in argv else len(argv)
    front, rest = _sorted(iter(argv[:at]))
    behind = list(argv[at + 1 :])
    if at == len(argv):
        return front + rest, None
    if rest[:1] == ["enqueue"] or rest[:2] in (["task", "update"], ["schedule", "add"]):
        return front + rest, behind
    return [*front, *rest, "--", *behind], None


def _sorted(words: Iterator[str]) -> tuple[list[str], list[str]]:
    """The global options with their values, and all other words."""
    front: list[str] = []
    rest: list[str] = []
    for word in words:
        valued = _VALUED.fullmatch(word)
        if valued and valued[1]:
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif valued or _COUNTED.fullmatch(word):
            front.append(word)
        else:
            rest.append(word)
    return front, rest
