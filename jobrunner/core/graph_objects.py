"""Graphs of tasks and timelines of workers as JSON objects."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jobrunner.core.critical import critical_path
from jobrunner.core.insight_graph import Bar, Lane, TaskGraph, TaskNode, Timeline
from jobrunner.core.objects import moment
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId


def graph_object(graph: TaskGraph) -> dict[str, Any]:
    """Tasks, the edges among them, and the ids along the critical path, which took `critical_s`."""
    path = critical_path(graph.nodes, graph.edges)
    return {
        "nodes": [node_object(node) for node in graph.nodes],
        "edges": [edge._asdict() for edge in graph.edges],
        "is_cut": graph.is_cut,
        "critical": path,
        "critical_s": seconds_of(graph, path),
    }


def node_object(node: TaskNode) -> dict[str, Any]:
    """One task of a graph."""
    return {
        "id": node.id,
        "name": node.name,
        "status": node.status.value,
        "started_at": moment(node.started_at),
        "finished_at": moment(node.finished_at),
        "run_s": node.run_s,
    }


def seconds_of(graph: TaskGraph, path: list[TaskId]) -> float:
    """How long the tasks along a path ran, together."""
    took: Mapping[TaskId, float] = {node.id: node.run_s or 0.0 for node in graph.nodes}
    return sum(took[task_id] for task_id in path)


def counts_of(graph: TaskGraph) -> dict[Status, int]:
    """How many of its tasks have which status, those that none has left out."""
    found = [node.status for node in graph.nodes]
    return {status: found.count(status) for status in Status if status in found}


def timeline_object(timeline: Timeline, since: datetime, until: datetime) -> dict[str, Any]:
    """What the slots of the workers ran between two moments."""
    return {
        "since": moment(since),
        "until": moment(until),
        "lanes": [lane_object(lane) for lane in timeline.lanes],
        "is_cut": timeline.is_cut,
    }


def lane_object(lane: Lane) -> dict[str, Any]:
    """What one slot of a worker ran."""
    return {
        "worker_id": lane.worker_id,
        "slot": lane.slot,
        "host": lane.host,
        "pid": lane.pid,
        "status": lane.status.value if lane.status else None,
        "lost_at": moment(lane.lost_at),
        "bars": [bar_object(bar) for bar in lane.bars],
    }


def bar_object(bar: Bar) -> dict[str, Any]:
    """One attempt of a task."""
    return {
        "task_id": bar.task_id,
        "name": bar.name,
        "outcome": bar.outcome,
        "started_at": moment(bar.started_at),
        "ended_at": moment(bar.ended_at),
    }
