"""The report from sums of the history: what a database adds up, put together."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from jobrunner.core.outcome import WORDS
from jobrunner.core.quantiles import Shape, shape, spread
from jobrunner.core.report import FAILURES, WASTED, By, GroupReport, Report, Spread
from jobrunner.core.shifts import Shifts
from jobrunner.core.status import Status
from jobrunner.core.sums import LOST, RunCell, Sums, WaitCell, lost_seconds


@dataclass(frozen=True, slots=True)
class Grouped:
    """A group, and the shapes of its spans."""

    report: GroupReport
    runs: Shape
    waits: Shape


class Total:
    """Sums over all groups, filled while these are put together."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.attempts: Counter[str] = Counter()
        self.spent: Counter[str] = Counter()
        self.lost_s: defaultdict[str, float] = defaultdict(float)
        """Seconds of lost attempts by worker."""
        self._runs: Counter[int] = Counter()
        self._waits: Counter[int] = Counter()
        self._longest = [0, 0]

    @property
    def run(self) -> Spread | None:
        """Of all run times."""
        return spread(self._runs, self._longest[0])

    @property
    def wait(self) -> Spread | None:
        """Of all waits."""
        return spread(self._waits, self._longest[1])

    @property
    def busy_s(self) -> float:
        """All seconds in tasks."""
        return sum(self.spent.values()) / 1e6 + sum(self.lost_s.values())

    @property
    def wasted(self) -> dict[str, float]:
        """Seconds of what left nothing behind, by outcome."""
        spent = {name: self.spent[name] / 1e6 for name in WASTED} | {
            LOST: sum(self.lost_s.values())
        }
        return {name: spent[name] for name in WASTED if spent[name]}

    def groups(self, sums: Sums, until: Mapping[str, tuple[datetime, int]]) -> Iterator[Grouped]:
        """Each group in the order of the sums, which are added up on the way."""
        lost: defaultdict[str, float] = defaultdict(float)
        for run, seconds in lost_seconds(sums.lost, until):
            lost[run.group] += seconds
            self.lost_s[run.worker_id] += seconds
        waits = {name: self._waited(cells) for name, cells in groupby(sums.waits, itemgetter(0))}
        for name, cells in groupby(sums.runs, itemgetter(0)):
            yield self._group(name, list(cells), waits.get(name), lost[name])

    def _waited(self, cells: Iterable[WaitCell]) -> tuple[Spread | None, Shape]:
        counts: Counter[int] = Counter()
        longest = 0
        for cell in cells:
            counts[cell.wait] += cell.number
            longest = max(longest, cell.longest)
        self._waits.update(counts)
        self._longest[1] = max(longest, self._longest[1])
        return spread(counts, longest), shape(counts.items())

    def _group(
        self,
        name: str,
        cells: Sequence[RunCell],
        waits: tuple[Spread | None, Shape] | None,
        lost_s: float,
    ) -> Grouped:
        counts: Counter[int] = Counter()
        outcomes: Counter[str] = Counter()
        spent: Counter[str] = Counter()
        for cell in cells:
            counts[cell.run] += cell.number
            outcomes[cell.outcome] += cell.number
            spent[cell.outcome] += cell.total
        cpu = [cell.cpu_s for cell in cells if cell.cpu_s is not None]
        peaks = (cell.peak_memory for cell in cells if cell.peak_memory is not None)
        del spent[LOST]  # which is known only from its worker
        longest = max(cell.longest for cell in cells)
        self._runs.update(counts)
        self._longest[0] = max(longest, self._longest[0])
        self.attempts.update(outcomes)
        self.spent.update(spent)
        found = GroupReport(
            name=name,
            count=outcomes.total(),
            completed=outcomes["completed"],
            failed=sum(outcomes[one] for one in FAILURES),
            lost=outcomes[LOST],
            busy_s=spent.total() / 1e6 + lost_s,
            wasted_s=sum(spent[one] for one in FAILURES) / 1e6 + lost_s,
            wait=waits[0] if waits else None,
            run=spread(counts, longest),
            cpu_s=sum(cpu) if cpu else None,
            peak_memory=max(peaks, default=None),
        )
        return Grouped(found, shape(counts.items()), waits[1] if waits else {})


def summarise(
    functions: Sums,
    *,
    tasks: Mapping[Status, int],
    shifts: Shifts,
    extent: tuple[datetime, datetime] | None,
    since: datetime | None = None,
    asked: tuple[By, Sums] | None = None,
) -> tuple[Report, list[Grouped]]:
    """Put the report together, and what it says of functions with its shapes.

    `extent` reaches from the first start to the last end. With `since`, the sums are those of
    attempts that ended then or later; workers that had ended by then are left out, and of the
    others only the time from then on counts. `asked` are groups by something else.
    """
    until, total = shifts.until(), Total()
    by_function = sorted(total.groups(functions, until), key=lambda one: one.report.name)
    elapsed = max(0.0, (extent[1] - extent[0]).total_seconds()) if extent else 0.0
    shown = [one.report for one in by_function]
    groups = [one.report for one in Total().groups(asked[1], until)] if asked else []
    report = Report(
        tasks=tasks,
        attempts={word: total.attempts[word] for word in WORDS if total.attempts[word]},
        elapsed_s=elapsed,
        throughput_per_s=total.attempts["completed"] / elapsed if elapsed > 0 else 0.0,
        wait=total.wait,
        run=total.run,
        functions=shown,
        workers=shifts.reports(total.lost_s, since),
        busy_s=total.busy_s,
        wasted=total.wasted,
        by=asked[0] if asked else None,
        groups=sorted(groups, key=lambda one: one.name),
    )
    return report, by_function
