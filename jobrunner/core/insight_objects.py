"""What pages draw as JSON objects: series, groups of failures, graphs, timelines."""

from datetime import datetime
from typing import Any

from jobrunner.core.critical import critical_path
from jobrunner.core.insight import Bucket, FailureGroup, Listing
from jobrunner.core.insight_graph import Bar, Lane, TaskEdge, TaskGraph, TaskNode, Timeline
from jobrunner.core.objects import moment


def series_object(found: Listing[Bucket]) -> dict[str, Any]:
    """Attempts by when they ended; spans are means in seconds."""
    return {"buckets": [bucket_object(one) for one in found], "is_cut": found.is_cut}


def bucket_object(bucket: Bucket) -> dict[str, Any]:
    """Attempts that ended within a span of time."""
    return {
        "at": moment(bucket.at),
        "completed": bucket.completed,
        "failed": bucket.failed,
        "other": bucket.other,
        "wait_s": bucket.wait_s,
        "run_s": bucket.run_s,
    }


def failure_object(group: FailureGroup) -> dict[str, Any]:
    """Failed tasks whose errors say the same."""
    return {
        "fingerprint": group.fingerprint,
        "function": group.function,
        "error": group.error,
        "count": group.count,
        "last_at": moment(group.last_at),
        "ids": list(group.ids),
    }


def graph_object(graph: TaskGraph) -> dict[str, Any]:
    """Tasks and their dependencies; `critical` are those of the path that took longest."""
    return {
        "nodes": [node_object(node) for node in graph.nodes],
        "edges": [edge_object(edge) for edge in graph.edges],
        "critical": critical_path(graph.nodes, graph.edges),
        "is_cut": graph.is_cut,
    }


def node_object(node: TaskNode) -> dict[str, Any]:
    """A task of a graph."""
    return {
        "id": node.id,
        "name": node.name,
        "status": node.status.value,
        "started_at": moment(node.started_at),
        "finished_at": moment(node.finished_at),
        "run_s": node.run_s,
    }


def edge_object(edge: TaskEdge) -> dict[str, Any]:
    """The dependent waits for the parent."""
    return {"parent": edge.parent, "dependent": edge.dependent, "on_failure": edge.on_failure}


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
