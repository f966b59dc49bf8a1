"""The chapters of a task's story follow each other without a gap, and none is negative."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from jobrunner.core.history import AttemptRecord
from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskId, WorkerId
from jobrunner.web.pages.story import WIDE, drawn, story

AT = datetime(2026, 12, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def task(status: Status, **more) -> Task:
    return Task(
        id=TaskId(7),
        status=status,
        queue="mail",
        function="f",
        command=None,
        cwd=None,
        args=(),
        kwargs={},
        priority=0,
        description="",
        max_attempts=5,
        crashes=0,
        timeout=None,
        created_at=AT,
        **{"run_at": AT, "attempt": 1} | more,
    )


def attempt(number: int, ready: float, started: float, ended: float, outcome: str) -> AttemptRecord:
    return AttemptRecord(
        task_id=TaskId(7),
        number=number,
        worker_id=WorkerId("w"),
        ready_at=after(ready),
        started_at=after(started),
        ended_at=after(ended),
        outcome=outcome,
        error=None,
        traceback=None,
        exit_code=None,
        stdout=None,
        stderr=None,
    )


def told(chapters) -> list[tuple[str, float]]:
    return [(one.kind, one.seconds) for one in chapters]


def test_a_story_tells_each_wait_and_each_attempt() -> None:
    attempts = [attempt(1, 5, 7, 10, "failed"), attempt(2, 30, 31, 40, "completed")]
    chapters = story(task(Status.COMPLETED, finished_at=after(40)), attempts, after(99))
    assert told(chapters) == [
        ("scheduled", 5),
        ("pending", 2),
        ("failed", 3),
        ("scheduled", 20),
        ("pending", 1),
        ("completed", 9),
    ]
    assert all(one.until == two.since for one, two in pairwise(chapters))


def test_what_goes_on_is_told_until_now() -> None:
    running = task(Status.IN_PROGRESS, started_at=after(4), run_at=after(1))
    assert told(story(running, [], after(9))) == [
        ("scheduled", 1),
        ("pending", 3),
        ("in_progress", 5),
    ]
    assert told(story(task(Status.BLOCKED), [], after(9))) == [("blocked", 9)]


def test_clocks_that_went_back_make_no_negative_wait() -> None:
    attempts = [attempt(1, -5, -3, -1, "failed")]
    chapters = story(task(Status.SCHEDULED), attempts, after(-9))
    assert all(seconds >= 0 for _, seconds in told(chapters))


def test_a_drawing_is_as_wide_as_it_may_be() -> None:
    attempts = [attempt(1, 0, 0.001, 5_000, "failed")]
    blocks = drawn(story(task(Status.PENDING), attempts, after(5_001)))
    assert round(sum(one.width for one in blocks)) == WIDE
