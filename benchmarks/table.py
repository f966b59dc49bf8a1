"""The figures as one table, in Markdown that reads well on a terminal too."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from benchmarks.contestant import Contestant
from benchmarks.goals import OWN, Figures, Goal

HEAD = ("measure", "contestant", "median", "least to most", "to jobrunner", "goal")
RIGHT = frozenset({"median", "least to most", "to jobrunner"})


def lines(found: Figures, goals: Sequence[Goal], names: Sequence[str]) -> Iterable[str]:
    """The table, a measure's contestants together in the order of `names`."""
    rows: list[tuple[str, ...]] = []
    for measure in dict.fromkeys(measure for measure, _ in found):
        named = measure
        own = median(found.get((measure, OWN)) or [0.0])
        for who in (name for name in names if (measure, name) in found):
            figures = found[measure, who]
            told = [goal.told(found) for goal in goals if goal.measure == measure and who == OWN]
            spread = f"{number(min(figures))} to {number(max(figures))}"
            ratio = f"{median(figures) / own:,.2f} x" if own >= 0.01 else ""  # noqa: PLR2004
            goal = "; ".join(filter(None, told))
            rows.append((named, who, number(median(figures)), spread, ratio, goal))
            named = ""
    yield from formatted(HEAD, rows)


def number(value: float) -> str:
    """Three digits that matter, or all of a large one."""
    if value == 0 or abs(value) >= 100:  # noqa: PLR2004 - three digits
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"  # noqa: PLR2004 - as above


def contestants(taking_part: Iterable[Contestant]) -> Iterable[str]:
    """Who they are: version, settings, durability, what a kill does."""
    head = ("contestant", "version", "settings", "durability", "a task whose worker is killed")
    rows = [(one.name, one.version, one.chosen, one.durability, one.killed) for one in taking_part]
    yield from formatted(head, rows)


def missing(reasons: Mapping[str, str]) -> Iterable[str]:
    """What was not measured, and why."""
    for what, why in reasons.items():
        yield f"- {what}: {why}"


def formatted(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """A Markdown table whose columns stand under each other, but for the last."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    widths[-1] = len(head[-1])
    yield _line(head, head, widths)
    rules = [
        f"{'-' * (wide - 1)}{':' if name in RIGHT else '-'}"
        for name, wide in zip(head, widths, strict=True)
    ]
    yield _line(rules, head, widths)
    for row in rows:
        yield _line(row, head, widths)


def _line(cells: Sequence[str], head: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.rjust(wide) if name in RIGHT else cell.ljust(wide)
        for cell, name, wide in zip(cells, head, widths, strict=True)
    )
    return f"| {' | '.join(padded)} |"
