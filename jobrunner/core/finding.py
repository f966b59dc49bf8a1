"""What a look at an installation found: one sentence, how bad it is, and the next step."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is; only a problem fails `jobrunner doctor`."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """`name` is what was looked at, `says` a sentence without its full stop, `hint` what to do."""

    name: str
    level: Level
    says: str
    hint: str = ""


def ok(name: str, says: str) -> Finding:
    """Nothing to do."""
    return Finding(name, Level.OK, says)


def warning(name: str, says: str, hint: str) -> Finding:
    """It works, and may not for long or not for all."""
    return Finding(name, Level.WARNING, says, hint)


def problem(name: str, says: str, hint: str) -> Finding:
    """Work is lost, stands still or cannot be trusted until somebody acts."""
    return Finding(name, Level.PROBLEM, says, hint)


def listed(names: list[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def counted(number: int, noun: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
