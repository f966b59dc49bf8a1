"""What Prometheus reads: tasks by status, the oldest that could start, the workers alive."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from jobrunner.core.status import Status

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is told, as it is at one moment. `oldest_age` in seconds, 0 where nothing waits."""

    tasks: Mapping[Status, int]
    oldest_age: float
    workers: Mapping[str, int]


class _Collector(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        """The figures as Prometheus names them."""
        tasks = GaugeMetricFamily("jobrunner_tasks", "Tasks by status.", labels=["status"])
        for status, number in self._figures.tasks.items():
            tasks.add_metric([status.value], number)
        yield tasks
        yield GaugeMetricFamily(
            "jobrunner_oldest_pending_seconds",
            "Age of the oldest task that could start now; 0 where none waits.",
            value=self._figures.oldest_age,
        )
        workers = GaugeMetricFamily("jobrunner_workers", "Workers alive.", labels=["status"])
        for word, number in self._figures.workers.items():
            workers.add_metric([word], number)
        yield workers


def as_text(figures: Figures) -> bytes:
    """The figures in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(figures))
    return generate_latest(registry)
