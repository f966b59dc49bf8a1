"""What jobrunner is to reach, each beside the measure that it is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks import sizes
from benchmarks.sizes import Sizes

OWN = "jobrunner"
Figures = Mapping[tuple[str, str], Sequence[float]]
"""By the names of the measure and the contestant: a number from each round."""


@dataclass(frozen=True)
class Goal:
    """A bound on a measure of jobrunner: absolute, or a factor of another figure."""

    measure: str
    bound: float
    of: tuple[str, str] | None = None
    """The other figure; of the contestant `peers` the greatest of all others but raw."""
    most: bool = False
    """The bound is from above."""
    says: str = ""

    def told(self, found: Figures) -> str:
        """The goal and whether it is met, or nothing where a figure is missing."""
        own = found.get((self.measure, OWN))
        other = self._other(found)
        if not own or not other:
            return ""
        reached = median(own) / other
        is_met = reached <= self.bound if self.most else reached >= self.bound
        digits = 2 if self.of else 1
        sign, unit = "≤" if self.most else "≥", " x" if self.of else ""
        verdict = (
            f"met: {reached:,.{digits}f}{unit}"
            if is_met
            else f"NOT MET: {reached:,.{digits}f}{unit}"
        )
        return f"{sign} {self.bound:,g}{unit} {self.says}".rstrip() + f", {verdict}"

    def _other(self, found: Figures) -> float:
        if self.of is None:
            return 1.0
        measure, name = self.of
        if name != "peers":
            return median(found.get(self.of) or [0.0])
        peers = [
            median(figures)
            for (what, who), figures in found.items()
            if what == measure and not who.startswith((OWN, "raw"))
        ]
        return max(peers, default=0.0)


def goals(size: Sizes) -> list[Goal]:
    """All of them, at the sizes of this run."""
    one, two, commits = sizes.drained(1), sizes.drained(2), (sizes.single(1), "raw")
    least, most = size.backlogs[0], size.backlogs[-1]
    base = sizes.against(least, "pending"), OWN
    behind = f"that against {least:,}"
    independent = sizes.graph(size, "independent"), OWN
    quarter = sizes.memory(sizes.MEMORY[1]), OWN
    small, large = (sizes.payload(long) for long, _ in size.payloads[:2])
    return [
        Goal(one, 40_000),
        Goal(one, 10, (one, "huey"), says="huey"),
        Goal(one, 1, (one, "peers"), says="the fastest peer"),
        Goal(two, 1, (one, OWN), says="1 process"),
        Goal(sizes.single(1), 0.9, commits, says="raw commits"),
        Goal(sizes.single(8), 3, commits, says="raw commits"),
        Goal(sizes.bulk(size), 0.5, (sizes.bulk(size), "raw"), says="raw `executemany`"),
        Goal(sizes.MEDIAN, 3, most=True),
        Goal(sizes.P99, 10, most=True),
        Goal(sizes.IDLE, 1, most=True),
        Goal(sizes.against(most, "pending"), 0.9, base, says=behind),
        Goal(sizes.against(most, "finished"), 0.9, base, says=behind),
        *(
            Goal(sizes.graph(size, shape), 0.5, independent, says="independent tasks")
            for shape in list(sizes.SHAPES.values())[1:]
        ),
        *(
            Goal(sizes.limited(name), 0.6, (sizes.limited("no limits"), OWN), says="no limits")
            for name in list(sizes.LIMITS.values())[1:]
        ),
        Goal(sizes.COMMANDS, 0.7, (sizes.COMMANDS, "xargs"), says="xargs -P2"),
        Goal(sizes.COMMANDS_TWO, 0.7, (sizes.COMMANDS_TWO, "xargs"), says="xargs -P2"),
        Goal(sizes.memory(sizes.MEMORY[2]), 1.05, quarter, most=True, says="that at a quarter"),
        Goal(sizes.overview(size, "first"), 200, most=True),
        Goal(sizes.overview(size, "later"), 200, most=True),
        Goal(sizes.looked_at(50), 0.9, (sizes.looked_at(0), OWN), says="no open page"),
        Goal(large, 0.7, (small, OWN), says=f"that at {size.payloads[0][0]} B"),
    ]
