"""The critical path: of all chains of dependencies, the one whose runs took longest."""

from collections.abc import Iterable, Sequence

from jobrunner.core.graph import parents_first
from jobrunner.core.insight_graph import TaskEdge, TaskNode
from jobrunner.core.task import TaskId


def critical_path(nodes: Sequence[TaskNode], edges: Iterable[TaskEdge]) -> list[TaskId]:
    """The ids along it, first to last; one without a run counts as 0 s.

    The longest path of an acyclic graph, by dynamic programming in topological order. Of paths
    that took equally long, the one that ends first in that order, over the lowest ids; it does
    not go on over tasks that took no time. Edges to other tasks do not matter.

    Raises:
        CycleError: some tasks wait for each other.
    """
    took = {node.id: node.run_s or 0.0 for node in sorted(nodes, key=lambda node: node.id)}
    parents: dict[TaskId, list[TaskId]] = {task_id: [] for task_id in took}
    for edge in edges:
        if edge.parent in took and edge.dependent in took:
            parents[edge.dependent].append(edge.parent)
    until: dict[TaskId, float] = {}
    before: dict[TaskId, TaskId] = {}
    for task_id in parents_first(parents, name=str):
        until[task_id] = took[task_id]
        if parents[task_id]:
            last = min(parents[task_id], key=lambda parent: (-until[parent], parent))
            before[task_id] = last
            until[task_id] += until[last]
    if not until:
        return []
    path = [max(until, key=lambda task_id: until[task_id])]  # the first of several
    while path[-1] in before:
        path.append(before[path[-1]])
    return path[::-1]
