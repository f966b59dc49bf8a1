"""What pages draw and list of many tasks, with the secrets in its texts masked."""

from collections.abc import Sequence
from dataclasses import replace

from jobrunner.core.estimate import Estimate
from jobrunner.core.explanation import Explanation
from jobrunner.core.forecast import Forecast
from jobrunner.core.insight import FailureGroup
from jobrunner.core.insight_graph import Lane, TaskGraph, Timeline
from jobrunner.core.masking import Masking
from jobrunner.core.reasons import Reason


def graph(found: TaskGraph) -> TaskGraph:
    """A graph; without a description, a command is the name of its task."""
    mask = Masking()
    return replace(found, nodes=[replace(one, name=mask.text(one.name)) for one in found.nodes])


def explanation(found: Explanation) -> Explanation:
    """An explanation: what a task failed with may stand in its sentences."""
    mask = Masking()
    return replace(found, reasons=tuple(_reason(one, mask) for one in found.reasons))


def _reason(reason: Reason, mask: Masking) -> Reason:
    tasks = tuple(replace(one, name=mask.text(one.name)) for one in reason.tasks)
    return replace(reason, text=mask.text(reason.text), tasks=tasks)


def timeline(found: Timeline) -> Timeline:
    """A timeline: its bars are named so too."""
    return replace(found, lanes=[_lane(one) for one in found.lanes])


def _lane(lane: Lane) -> Lane:
    mask = Masking()
    return replace(lane, bars=[replace(bar, name=mask.text(bar.name)) for bar in lane.bars])


def failures(found: Sequence[FailureGroup]) -> list[FailureGroup]:
    """Groups of failures, by what each of them says."""
    mask = Masking()
    return [replace(group, error=mask.text(group.error)) for group in found]


def estimate(found: Estimate) -> Estimate:
    """An estimate; without a description, a command is known by its first word."""
    return replace(found, basis=Masking().text(found.basis))


def forecast(found: Forecast) -> Forecast:
    """A forecast, which names what too little is known of."""
    mask = Masking()
    unknown = {mask.text(name): number for name, number in found.unknown.items()}
    return replace(found, left=estimate(found.left), unknown=unknown)
