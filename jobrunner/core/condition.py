"""What a report must not say: `failed>0`, `run_s.p95 >= 2`."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, cast

from jobrunner.core.errors import ConfigurationError
from jobrunner.core.fields import shown
from jobrunner.core.objects import report_object
from jobrunner.core.report import Report
from jobrunner.core.status import Status

_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_TEXT: Final = re.compile(
    rf"\s*([a-z][a-z0-9_.]{{0,50}})\s*({'|'.join(_COMPARE)})\s*(-?\d{{1,15}}(?:\.\d{{1,15}})?)\s*",
    re.ASCII,
)
_TASKS: Final = "tasks"
_NOTHING: Final = Report(
    tasks=dict.fromkeys(Status, 0),
    attempts={},
    elapsed_s=0,
    throughput_per_s=0,
    wait=None,
    run=None,
    functions=(),
    workers=(),
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A figure of the report, compared with a number."""

    name: str
    sign: str
    number: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one; there may be spaces about the sign.

        Raises:
            ConfigurationError: it is none, or names no figure of the report.
        """
        found = _TEXT.fullmatch(text)
        known = figures(_NOTHING)
        if found is None:
            raise ConfigurationError(
                f"{shown(text)} is no condition",
                hint="Write a name, a sign and a number: failed>0.",
            )
        name, sign, number = found.groups()
        if name not in known:
            raise ConfigurationError(
                f"{shown(name)} is no figure of the report",
                hint=f"Known are: {', '.join(n for n in known if not n.startswith(_TASKS))}.",
            )
        return cls(name, sign, float(number))

    def value(self, report: Report) -> float | None:
        """The figure, `None` where there is none yet."""
        return figures(report)[self.name]

    def holds(self, report: Report) -> bool:
        """Whether it is so; of what has not been measured, nothing is."""
        value = self.value(report)
        return value is not None and _COMPARE[self.sign](value, self.number)

    def __str__(self) -> str:
        return f"{self.name}{self.sign}{self.number:g}"


def figures(report: Report) -> dict[str, float | None]:
    """The report's numbers by their names in JSON: `run_s.p95`; those of tasks need no `tasks.`."""
    told = report_object(report)
    found: dict[str, float | None] = dict(told[_TASKS])
    for name, value in told.items():
        if name not in ("schema", "by"):
            found |= dict(_named(name, value))
    return found


def _named(name: str, value: Any) -> list[tuple[str, float | None]]:
    if isinstance(value, Mapping):
        parts = cast("Mapping[str, float | None]", value)
        return [(f"{name}.{part}", number) for part, number in parts.items()]
    return [] if isinstance(value, list) else [(name, value)]
