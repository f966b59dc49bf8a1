"""How long something takes, by the runs that are recorded: a range, or that too little is known."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from jobrunner.core.span import span_text
from jobrunner.core.task import Progress

ENOUGH: Final = 5
"""Of fewer runs no number is made."""

_PERCENTILES: Final = (10, 50, 90)
"""One run in ten is shorter than the range that is told, one in ten is longer."""


class Kind(NamedTuple):
    """What is run again and again: a function, or commands of a description or a first word."""

    what: Literal["function", "description", "command"]
    name: str


Runs = Mapping[Kind, Sequence[float]]
"""What the last completed runs of each kind took, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Seconds from `low_s` to `high_s`, likely `likely_s`; all `None` where too little is known.

    `runs` is how many recorded runs there are to go by, and `basis` says in words what it is
    known from, or what is missing.
    """

    low_s: float | None = None
    likely_s: float | None = None
    high_s: float | None = None
    runs: int = 0
    basis: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there are numbers."""
        return self.likely_s is not None

    def __str__(self) -> str:
        if self.likely_s is None:
            return f"unknown: {self.basis}"
        low, likely, high = map(span_text, (self.low_s, self.likely_s, self.high_s))
        span = f"about {likely}" if low == high else f"about {likely}, {low} to {high}"
        return f"{span}, {self.basis}"


def kinds_of(function: str | None, description: str, word: str) -> tuple[Kind, ...]:
    """What a task is a run of, the most telling first.

    A command has no name of its own: it is known by its description, and where that is new by its
    first word, the program.
    """
    if function is not None:
        return (Kind("function", function),)
    found = (Kind("description", description), Kind("command", word))
    return tuple(kind for kind in found if kind.name)


def best(kinds: Sequence[Kind], runs: Runs) -> tuple[Kind, Sequence[float]]:
    """The first of these kinds of which enough runs are known, or else the best known."""
    for kind in kinds:
        if len(runs.get(kind, ())) >= ENOUGH:
            return kind, runs[kind]
    kind = max(kinds, key=lambda one: len(runs.get(one, ())), default=Kind("command", "this"))
    return kind, runs.get(kind, ())


def of_runs(kinds: Sequence[Kind], runs: Runs) -> Estimate:
    """How long a run takes: the 10th, 50th and 90th percentile of those recorded."""
    kind, took = best(kinds, runs)
    if len(took) < ENOUGH:
        return too_few(kind, len(took))
    return _spread(sorted(took), len(took), f"from {runs_text(len(took), kind.name)}")


def of_left(kinds: Sequence[Kind], runs: Runs, *, ran_for: float) -> Estimate:
    """How long a run still takes that has run for so long: as those that took longer."""
    kind, took = best(kinds, runs)
    if len(took) < ENOUGH:
        return too_few(kind, len(took))
    longer = sorted(one - ran_for for one in took if one > ran_for)
    if not longer:
        told = f"it runs longer than each of {runs_text(len(took), kind.name)}"
        return Estimate(runs=len(took), basis=told)
    return _spread(longer, len(took), f"from {runs_text(len(took), kind.name)}")


def of_progress(progress: Progress | None, ran_for: float) -> Estimate | None:
    """How long a run still takes if it goes on as fast as so far; `None` where nobody can tell.

    What is left may take half as long or twice, as long as nearly nothing is done; the more of it
    is done, the narrower: by 2 to the power of the share that is left.
    """
    if progress is None or progress.total is None or not 0 < progress.done <= progress.total:
        return None
    share = (progress.total - progress.done) / progress.total
    likely = ran_for * (progress.total - progress.done) / progress.done
    if not math.isfinite(likely) or likely < 0:
        return None
    told = f"from its progress, {progress.done:g} of {progress.total:g}"
    doubt = 2.0**share
    return Estimate(low_s=likely / doubt, likely_s=likely, high_s=likely * doubt, basis=told)


def too_few(kind: Kind, number: int, *, others: int = 0) -> Estimate:
    """Unknown, and why; so are so many others."""
    told = f"{runs_text(number, kind.name)} {'is' if number == 1 else 'are'} recorded"
    more = f"; {others} more like that" if others else ""
    return Estimate(runs=number, basis=f"{told}, it takes {ENOUGH}{more}")


def runs_text(number: int, name: str) -> str:
    """`42 runs of thumbnail`."""
    return f"{number or 'no'} run{'' if number == 1 else 's'} of {name}"


def rank(ordered: Sequence[float], percent: int) -> float:
    """A quantile by the nearest rank, as in `report`."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _spread(ordered: Sequence[float], runs: int, basis: str) -> Estimate:
    low, likely, high = (max(0.0, rank(ordered, percent)) for percent in _PERCENTILES)
    return Estimate(low_s=low, likely_s=likely, high_s=high, runs=runs, basis=basis)
