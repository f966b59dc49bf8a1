"""The application that benchmarks drain: one function that does nothing."""

import os

from jobrunner import TaskQueue

queue = TaskQueue(os.environ.get("JOBRUNNER_BENCH_DB", "bench.db"))


@queue.task
def noop(_payload: str) -> str:
    """Do nothing."""
    return "ok"
