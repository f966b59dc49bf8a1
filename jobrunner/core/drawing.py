"""How long open tasks still take: on average, and drawn again and again from recorded runs."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from jobrunner.core.estimate import Kind, Runs, best, of_progress, runs_text
from jobrunner.core.open_work import OpenTask
from jobrunner.core.task import TaskId

_WORD: Final = 2**64 - 1
_CHANCES: Final = [(at + 0.5) / 20 for at in range(20)]


class Times:
    """The seconds that each task takes from now on, given enough runs of all of them.

    The core knows no randomness: numbers that look random are made of the task's id and of which
    time it is, so that the same work and runs are always told alike.
    """

    def __init__(self, tasks: Sequence[OpenTask], runs: Runs) -> None:
        """`tasks` are those that will run."""
        self._tasks = tasks
        self._kinds: dict[TaskId, Kind] = {}
        self._took: dict[Kind, list[float]] = {}
        for task in tasks:
            if _by_progress(task) is None:
                kind, took = best(task.kinds, runs)
                self._kinds[task.id] = kind
                if kind not in self._took:
                    self._took[kind] = sorted(took)

    def basis(self, tasks: Sequence[OpenTask]) -> tuple[int, str]:
        """Of how many runs each kind of these is known at least, and in words from what."""
        found = {self._kinds[task.id] for task in tasks if task.id in self._kinds}
        number = min((len(self._took[kind]) for kind in found), default=0)
        if not found:
            return number, "from the progress of what runs"
        if len(found) == 1:
            return number, f"from {runs_text(number, found.pop().name)}"
        several = f"{len(found)} functions and commands"
        return number, f"from at least {number} runs of each of {several}"

    def mean(self) -> dict[TaskId, float]:
        """How long each takes on average."""
        means = {kind: sum(took) / len(took) for kind, took in self._took.items()}
        return {
            task.id: means[self._kinds[task.id]]
            if task.ran_for is None
            else sum(self._seconds(task, self._took, chance) for chance in _CHANCES) / len(_CHANCES)
            for task in self._tasks
        }

    def drawn(self, again: int) -> dict[TaskId, float]:
        """How long each takes this time: one of a resample of the runs of its kind."""
        took = {
            kind: sorted(ran[int(_chance(again, at, 1) * len(ran))] for at in range(len(ran)))
            for kind, ran in self._took.items()
        }
        return {task.id: self._seconds(task, took, _chance(again, task.id)) for task in self._tasks}

    def _seconds(self, task: OpenTask, took: "dict[Kind, list[float]]", chance: float) -> float:
        by_progress = _by_progress(task)
        if by_progress is not None:
            low, high = by_progress
            return low * (high / low) ** chance if low else 0.0
        ran = took[self._kinds[task.id]]
        if task.ran_for is None:
            return ran[int(chance * len(ran))]
        at = bisect_right(ran, task.ran_for)
        if at == len(ran):  # longer than any: it may end at once, or take as long again
            return ran[-1] * chance
        return ran[at + int(chance * (len(ran) - at))] - task.ran_for


def _by_progress(task: OpenTask) -> tuple[float, float] | None:
    if task.ran_for is None:
        return None
    found = of_progress(task.progress, task.earlier_s + task.ran_for)
    if found is None or found.low_s is None or found.high_s is None:
        return None
    return found.low_s, found.high_s


def _chance(*parts: int) -> float:
    """A number from 0 to 1 that looks random, by SplitMix64 (Steele, Lea, Flood 2014)."""
    found = 0
    for part in parts:
        found = (found + part + 0x9E3779B97F4A7C15) & _WORD
        found = ((found ^ found >> 30) * 0xBF58476D1CE4E5B9) & _WORD
        found = ((found ^ found >> 27) * 0x94D049BB133111EB) & _WORD
        found ^= found >> 31
    return (found >> 11) * 2.0**-53
