"""The report's numbers, worked out by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from jobrunner.core import account
from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.report import By, Spread, alive_until, by_of
from jobrunner.core.shifts import Shifts
from jobrunner.core.status import Status
from jobrunner.core.task import WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from tests.core import adding
from tests.core.adding import Attempt

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds):
    return START + timedelta(seconds=seconds)


def worker(name, **fields):
    info = {
        "id": WorkerId(name),
        "host": "here",
        "boot_id": "boot",
        "pid": 1,
        "executor": "thread",
        "concurrency": 1,
        "queues": (),
        "status": WorkerStatus.RUNNING,
        "beat": 0,
        "started_at": at(0),
        "seen_at": at(0),
        "stopped_at": None,
        "error": None,
    }
    return WorkerInfo(**(info | fields))


ROWS = [
    Attempt("resize", "a", "completed", at(0), at(10), at(14)),  # waits 10, runs 4
    Attempt("resize", "a", "failed", at(0), at(12), at(13)),  # waits 12, runs 1
    Attempt("fetch", "b", "completed", at(20), at(20), at(22)),  # waits 0, runs 2
    Attempt("fetch", "b", "timed_out", at(23), at(22), at(25)),  # cannot wait less than 0
    Attempt("fetch", "b", "lost", at(24), at(25), at(30)),  # waits 1, runs 5
    Attempt("fetch", "gone", "snoozed", at(24), at(25), at(26)),
]


def summarise(rows, *, tasks, workers, now, **options):
    shifts = Shifts.of(workers, adding.by_worker(rows), now=now)
    sums, extent = adding.sums(rows), adding.extent(rows)
    return account.summarise(sums, tasks=tasks, shifts=shifts, extent=extent, **options)[0]


@pytest.fixture
def report():
    return summarise(
        ROWS,
        tasks={Status.COMPLETED: 2},
        workers=[
            worker("a", concurrency=2),
            worker("b", status=WorkerStatus.STOPPED, started_at=at(10), stopped_at=at(30)),
            worker("idle", started_at=at(40)),
        ],
        now=at(40),
    )


def test_the_whole(report):
    assert report.tasks == {Status.COMPLETED: 2}
    assert report.attempts == {"completed": 2, "failed": 1, "timed_out": 1, "lost": 1, "snoozed": 1}
    assert report.elapsed_s == 20  # from the first start, 10, to the last end, 30
    assert report.throughput_per_s == 2 / 20
    assert report.wait == Spread(p50=1, p95=12, p99=12, max=12)  # of 0 0 1 1 10 12
    assert report.run == Spread(p50=2, p95=5, p99=5, max=5)  # of 1 1 2 3 4 5


def test_the_functions(report):
    fetch, resize = report.functions
    assert (fetch.name, fetch.count, fetch.failed) == ("fetch", 4, 1)
    assert (resize.name, resize.count, resize.failed) == ("resize", 2, 1)
    assert resize.run == Spread(p50=1, p95=4, p99=4, max=4)


def test_the_workers_efficiency_is_busy_over_alive_times_concurrency(report):
    first, second, idle = report.workers
    assert (first.completed, first.failed, first.lost) == (1, 1, 0)
    assert (first.busy_s, first.alive_s, first.efficiency) == (5, 40, 5 / (40 * 2))
    assert (second.completed, second.failed, second.lost) == (1, 1, 1)
    assert (second.busy_s, second.alive_s, second.efficiency) == (10, 20, 10 / 20)
    assert (idle.busy_s, idle.alive_s, idle.efficiency) == (0, 0, 0)


def test_no_history_is_no_division_by_zero():
    report = summarise([], tasks={}, workers=[worker("a")], now=at(0))
    assert (report.elapsed_s, report.throughput_per_s) == (0, 0)
    assert (report.wait, report.run, report.functions) == (None, None, [])
    assert report.workers[0].efficiency == 0


def test_efficiency_is_never_more_than_the_whole():
    rows = [Attempt("f", "a", "completed", at(0), at(0), at(10))] * 3
    (only,) = summarise(rows, tasks={}, workers=[worker("a")], now=at(10)).workers
    assert (only.busy_s, only.efficiency) == (30, 1.0)


@pytest.mark.parametrize(
    ("fields", "until"),
    [
        ({}, 99),
        ({"status": WorkerStatus.STOPPING, "seen_at": at(5)}, 99),
        ({"status": WorkerStatus.STOPPED, "stopped_at": at(7)}, 7),
        ({"status": WorkerStatus.LOST, "seen_at": at(5), "stopped_at": at(35)}, 5),
    ],
)
def test_a_worker_is_alive_until_its_stop_or_its_last_sign_of_life(fields, until):
    assert alive_until(worker("a", **fields), at(99)) == at(until)


def test_seconds_are_wasted_by_what_failed_timed_out_crashed_or_was_lost(report):
    assert report.wasted == {"failed": 1, "timed_out": 3, "lost": 5}
    assert (report.wasted_s, report.busy_s) == (9, 4 + 1 + 2 + 3 + 5 + 1)
    fetch, resize = report.functions
    assert (fetch.busy_s, fetch.wasted_s) == (2 + 3 + 5 + 1, 3 + 5)
    assert (resize.busy_s, resize.wasted_s) == (5, 1)
    assert [one.wasted_s for one in report.workers] == [1, 8, 0]


def test_the_efficiency_of_all_is_that_of_all_slots(report):
    assert report.efficiency == pytest.approx((5 + 10) / (40 * 2 + 20 + 0))


def test_attempts_are_put_together_by_what_is_asked_for():
    asked = (By.WORKER, adding.sums(ROWS, lambda row: row.worker_id))
    found = summarise(ROWS, tasks={}, workers=[worker("a")], now=at(40), asked=asked)
    assert found.by == "worker"
    assert [(one.name, one.count, one.failed) for one in found.groups] == [
        ("a", 2, 1),
        ("b", 3, 1),
        ("gone", 1, 0),
    ]
    assert found.groups[0].wait == Spread(p50=10, p95=12, p99=12, max=12)
    assert sum(found.attempts.values()) == len(ROWS)


def test_what_attempts_cannot_be_put_together_by_is_refused():
    with pytest.raises(InvalidTaskError, match="function, queue, worker, hour"):
        by_of("moon")


def test_what_a_killed_worker_settled_counts_as_a_sign_of_life():
    rows = [
        Attempt("f", "a", "completed", at(0), at(0), at(4)),
        Attempt("f", "a", "lost", at(0), at(4), at(30)),  # ended by who found the worker dead
    ]
    killed = worker("a", status=WorkerStatus.LOST, seen_at=at(1), stopped_at=at(30))
    (only,) = summarise(rows, tasks={}, workers=[killed], now=at(99)).workers
    assert (only.busy_s, only.alive_s) == (4, 4)


def test_a_lost_task_that_was_only_claimed_ahead_kept_nobody_busy():
    rows = [
        Attempt("f", "a", "completed", at(0), at(0), at(4)),
        Attempt("f", "a", "lost", at(0), at(1), at(9)),  # ran beside it until the kill
        *[Attempt("f", "a", "lost", at(0), at(3), at(9))] * 100,
    ]
    killed = worker("a", status=WorkerStatus.LOST, concurrency=2, stopped_at=at(9))
    (only,) = summarise(rows, tasks={}, workers=[killed], now=at(99)).workers
    assert (only.lost, only.busy_s, only.alive_s) == (101, 4 + 3 + 1, 4)


def test_a_lost_task_keeps_nobody_busy_once_it_is_taken_away():
    rows = [Attempt("f", "a", "lost", at(0), at(1), at(9))]
    (only,) = summarise(rows, tasks={}, workers=[worker("a")], now=at(99)).workers
    assert (only.busy_s, only.wasted_s, only.alive_s) == (8, 8, 99)


def test_of_late_only_the_time_since_then_counts():
    late = summarise(
        ROWS[2:3],
        tasks={},
        workers=[
            worker("ended", status=WorkerStatus.STOPPED, stopped_at=at(19)),
            worker("b", started_at=at(10)),
        ],
        now=at(30),
        since=at(20),
    )
    assert [one.info.id for one in late.workers] == ["b"]
    assert late.workers[0].alive_s == 10
    assert late.workers[0].efficiency == 0.2
