"""A graph of tasks as pages show it: how far it is, what failed first, what lies below a task."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from jobrunner.core.critical import critical_path
from jobrunner.core.forecast import Forecast
from jobrunner.core.graph import parents_first
from jobrunner.core.insight_graph import TaskGraph, TaskNode
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId


@dataclass(frozen=True)
class GraphShown:
    """A graph with what is counted of it."""

    graph: TaskGraph
    forecast: Forecast | None = None
    """When all of it will have ended, where something is open."""

    @cached_property
    def counts(self) -> dict[Status, int]:
        """How many of its tasks have which status."""
        found = [node.status for node in self.graph.nodes]
        return {status: found.count(status) for status in Status if status in found}

    @property
    def size(self) -> int:
        """How many tasks are shown."""
        return len(self.graph.nodes)

    def number(self, status: str) -> int:
        """How many have one status."""
        return self.counts.get(Status(status), 0)

    @cached_property
    def path(self) -> list[TaskId]:
        """The critical path."""
        return critical_path(self.graph.nodes, self.graph.edges)

    @property
    def path_s(self) -> float:
        """How long the tasks along it ran together."""
        took = {node.id: node.run_s or 0.0 for node in self.graph.nodes}
        return sum(took[task_id] for task_id in self.path)

    @cached_property
    def parents(self) -> dict[TaskId, list[TaskId]]:
        """Of each task those that it waits for."""
        found: dict[TaskId, list[TaskId]] = {node.id: [] for node in self.graph.nodes}
        for edge in self.graph.edges:
            found[edge.dependent].append(edge.parent)
        return found

    @cached_property
    def in_order(self) -> Sequence[TaskNode]:
        """Its tasks, each behind those that it waits for."""
        known = {node.id: node for node in self.graph.nodes}
        return [known[task_id] for task_id in parents_first(self.parents, name=str)]

    def first_failed(self) -> list[TaskId]:
        """What failed with nothing failed above it: to run these again runs all again that failed.

        What was cancelled since they failed goes with them.
        """
        spoilt: set[TaskId] = set()
        found: list[TaskId] = []
        for node in self.in_order:
            is_below = not spoilt.isdisjoint(self.parents[node.id])
            has_failed = node.status is Status.FAILED
            if is_below or has_failed:
                spoilt.add(node.id)
            if has_failed and not is_below:
                found.append(node.id)
        return found

    @cached_property
    def below(self) -> dict[TaskId, int]:
        """How many tasks depend on each, also by way of others."""
        bits = {node.id: 1 << at for at, node in enumerate(self.in_order)}
        reached = dict.fromkeys(bits, 0)
        for node in reversed(self.in_order):
            for parent in self.parents[node.id]:
                reached[parent] |= reached[node.id] | bits[node.id]
        return {task_id: mask.bit_count() for task_id, mask in reached.items()}
