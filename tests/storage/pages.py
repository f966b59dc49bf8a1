"""What pages and pollers ask all the time, to be planned with a hundred thousand tasks."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from jobrunner.core.estimate import Kind
from jobrunner.core.insight import Cursor, TaskQuery
from jobrunner.core.status import Status
from jobrunner.storage import (
    backlogs,
    counting,
    durations,
    ends,
    failures,
    neighbours,
    news,
    outlook,
    reads,
    search,
    spans,
    steps,
    timeline,
    why,
)
from tests.storage.at_size import HISTORY, PENDING, SCHEDULED
from tests.storage.conftest import Nowhere, Store

Question = tuple[str, Any, tuple[Any, ...], dict[str, Any]]


def of_pages(store: Store) -> Iterator[Question]:
    """Every query of the read models: its name, the call, and what it is called with."""
    yield from of_the_time_ahead(store)
    yield "counts", counting.counts, (), {}
    yield "counts by queue", counting.by_queue, (), {}
    yield "backlogs", backlogs.backlogs, (), {}
    yield "failures", failures.failures, (), {"limit": 20}
    yield "newest attempt", ends.newest, (), {}
    yield "newest attempt up to", ends.newest, (500,), {}
    yield "tallies", ends.tallies, (100, 200), {}
    yield "graph", neighbours.graph, (SCHEDULED + 10,), {"limit": 100}
    yield "neighbours", neighbours.neighbours, (HISTORY + 10,), {"limit": 100}
    yield "changes", news.changes, (Cursor(5, 5),), {"limit": 200}
    yield "spans", spans.spans, ("work",), {"limit": 50}
    yield "newest attempts", reads.history, (HISTORY - 10,), {"newest": 20}
    yield "steps", steps.every, (HISTORY - 10,), {"limit": 100}
    # Of queues with a limit and with a rate, in a lane and not; those that have ended last.
    for task_id in (*range(PENDING - 12, PENDING - 6), SCHEDULED - 10, SCHEDULED + 10, HISTORY, 1):
        looking = {"source": Nowhere(), "now": store.now}
        yield f"why ({task_id})", why.look, (task_id,), looking
    for back in (timedelta(milliseconds=5), timedelta(days=1)):
        when = {"since": store.now - back, "until": store.now}
        yield f"timeline ({back})", timeline.timeline, (), {**when, "limit": 100}
    for query in (
        *(TaskQuery(status=status) for status in Status),
        *(TaskQuery(status=status, queue="a") for status in Status),
        TaskQuery(),
        TaskQuery(queue="a"),
        TaskQuery(queue="none"),
        TaskQuery(function="none"),
        TaskQuery(text="none"),
        TaskQuery(status=Status.FAILED, error="none"),
        TaskQuery(batch_id=3),
        TaskQuery(status=Status.IN_PROGRESS, worker_id="ada"),
    ):
        told = " ".join(f"{name}={getattr(query, name)}" for name in sorted(query.given))
        page = {"source": Nowhere(), "limit": 50}
        yield f"page ({told})", search.find, (query,), page
        yield f"next page ({told})", search.find, (query,), {**page, "before": HISTORY}
        yield f"newer page ({told})", search.find_newer, (query,), {**page, "after": 50}
        yield f"count ({told})", search.count, (query,), {"cap": 1_000}


def of_the_time_ahead(store: Store) -> Iterator[Question]:
    """The same of estimates."""
    yield "runs of functions", durations.runs, ([Kind("function", "work")],), {}
    yield "runs of commands", durations.runs, ([Kind("command", "work")],), {}
    yield "earlier runs", durations.before, ([HISTORY - 10],), {}
    yield "what is open", outlook.of_all, (), {"now": store.now}
    yield "what is open of a graph", outlook.of_task, (SCHEDULED + 10,), {"now": store.now}
