"""Measure jobrunner beside SQLite's own limits: `make bench`.

Every figure is the median of three rounds at `synchronous=FULL`, history and fence on.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import raw
from jobrunner import NewTask, TaskQueue, Worker
from jobrunner.core.events import ignore
from jobrunner.storage import claim

ROUNDS = 3
TASKS = 20_000
BATCH = 100
SINGLES = 2_000
DRAIN = """
import sys
from benchmarks.app import queue
from jobrunner import Worker
from jobrunner.core.events import ignore
queue.emit = ignore
Worker(queue, concurrency=int(sys.argv[1]), executor=sys.argv[2]).run(until_empty=True)
"""


def fill(folder: Path, count: int) -> TaskQueue:
    """A fresh database with so many no-ops."""
    queue = TaskQueue(folder / "bench.db", emit=ignore)
    for at in range(0, count, 50_000):
        queue.enqueue_ids(
            [NewTask(function="noop", args=("x" * 90,)) for _ in range(min(50_000, count - at))]
        )
    return queue


def drain(folder: Path, *, executor: str = "thread", slots: int = 8, count: int = TASKS) -> float:
    """Tasks a second that one worker process settles, from its first start to its last commit."""
    queue = fill(folder, count)
    environment = {**os.environ, "JOBRUNNER_BENCH_DB": str(folder / "bench.db")}
    subprocess.run([sys.executable, "-c", DRAIN, str(slots), executor], env=environment, check=True)
    report = queue.report()
    queue.close()
    return report.throughput_per_s


def bulk(folder: Path) -> float:
    """Tasks a second enqueued in one transaction."""
    queue = TaskQueue(folder / "bench.db", emit=ignore)
    new = [NewTask(function="noop", args=("x" * 90,)) for _ in range(TASKS)]
    queue.counts()
    began = time.perf_counter()
    queue.enqueue_ids(new)
    rate = TASKS / (time.perf_counter() - began)
    queue.close()
    return rate


def single(folder: Path) -> float:
    """Tasks a second enqueued one by one, each durable on return."""
    queue = TaskQueue(folder / "bench.db", emit=ignore)
    queue.counts()
    began = time.perf_counter()
    for _ in range(SINGLES):
        queue.enqueue_ids([NewTask(function="noop", args=("x" * 90,))])
    rate = SINGLES / (time.perf_counter() - began)
    queue.close()
    return rate


def claim_cost(folder: Path, pending: int) -> float:
    """Microseconds to claim one task, in batches of 100, with so many pending."""
    queue = fill(folder, pending)
    worker = Worker(queue, concurrency=1)
    worker.run(max_tasks=1)  # its row is what claims below are made in the name of
    with queue.database.writing() as transaction:
        transaction.exec_driver_sql("UPDATE workers SET status = 'running', stopped_at = NULL")
    claims = min(20, pending // 200)
    began = time.perf_counter()
    for token in range(1, claims + 1):
        with queue.database.writing() as transaction:
            found = claim.claim(
                transaction, worker_id=worker.id, token=token, limit=BATCH, now=queue.clock.now()
            )
        if len(found) != BATCH:
            raise RuntimeError(f"claimed {len(found)} of {BATCH}")
    cost = (time.perf_counter() - began) / claims / BATCH * 1e6
    queue.close()
    return cost


def measured(measure: Callable[..., float], **settings: Any) -> float:
    """The median of some rounds, each in a folder of its own."""
    figures: list[float] = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            figures.append(measure(Path(folder), **settings))
    return median(figures)


def main() -> None:
    """Print one line a measure."""
    commit = measured(raw.commits, tasks=SINGLES)
    batch = measured(raw.batches, tasks=TASKS)
    print(f"raw: single commits               {commit:10,.0f} /s")
    print(f"raw: claim 100 + finish 100       {batch:10,.0f} /s")
    one = measured(single)
    print(f"enqueue one by one                {one:10,.0f} /s   {one / commit:.2f} x raw commits")
    print(f"enqueue {TASKS:,} at once           {measured(bulk):10,.0f} /s")
    for executor in ("thread", "async", "process"):
        count = TASKS if executor != "process" else TASKS // 4
        slots = 2 if executor == "process" else 8
        rate = measured(drain, executor=executor, slots=slots, count=count)
        print(f"drain, one worker, {executor:7}        {rate:10,.0f} /s   {rate / batch:.2f} x raw")
    base = measured(claim_cost, pending=1_000)
    print(f"claim one of     1,000 pending    {base:10.1f} µs")
    for pending in (100_000, 1_000_000):
        cost = measured(claim_cost, pending=pending)
        print(f"claim one of {pending:9,} pending    {cost:10.1f} µs   {cost / base:.2f} x")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
