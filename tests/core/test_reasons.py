"""Why a task does not run is told, the weightiest first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobrunner.core.insight import Counted
from jobrunner.core.insight_graph import TaskNode
from jobrunner.core.limits import Limits, Rate
from jobrunner.core.reasons import Circumstances, reasons
from jobrunner.core.sent import EventWait
from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskId, WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus

NOW = datetime(2026, 12, 1, tzinfo=UTC)
TASK = Task(
    id=TaskId(7),
    status=Status.PENDING,
    queue="mail",
    function="f",
    command=None,
    cwd=None,
    args=(),
    kwargs={},
    priority=0,
    description="",
    attempt=0,
    max_attempts=5,
    crashes=0,
    timeout=None,
    created_at=NOW,
    run_at=NOW,
    concurrency_key="ada",
    needs={"gpu": 1.0},
)
WORKER = WorkerInfo(
    id=WorkerId("w"),
    host="here",
    boot_id="",
    pid=1,
    executor="thread",
    concurrency=1,
    queues=(),
    status=WorkerStatus.RUNNING,
    beat=1,
    started_at=NOW,
    seen_at=NOW,
    stopped_at=None,
    error=None,
    offers={"gpu": 1.0},
)
FREE = Circumstances(workers=[WORKER])


def kinds(task: Task, around: Circumstances) -> list[str]:
    return [one.kind for one in reasons(task, around)]


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        (FREE, ["next"]),
        (Circumstances(), ["workers"]),
        (Circumstances(workers=[replace(WORKER, status=WorkerStatus.STOPPING)]), ["workers"]),
        (Circumstances(workers=[replace(WORKER, queues=("other",))]), ["workers"]),
        (Circumstances(workers=[replace(WORKER, queues=("mail",))]), ["next"]),
        (Circumstances(workers=[replace(WORKER, offers={"gpu": 0.5})]), ["workers"]),
        (Circumstances(workers=[replace(WORKER, paused_at=NOW)]), ["workers"]),
        (replace(FREE, paused_at=NOW), ["paused"]),
        (replace(FREE, limits=Limits(2), running=2), ["limit"]),
        (replace(FREE, limits=Limits(2), running=1), ["next"]),
        (replace(FREE, key_limits=Limits(1), key_running=1), ["key"]),
        (replace(FREE, limits=Limits(rate=Rate(3, timedelta(minutes=1)))), ["rate"]),
        (replace(FREE, ahead=Counted(3)), ["ahead"]),
    ],
)
def test_what_a_pending_task_waits_for(around, expected) -> None:
    assert kinds(TASK, around) == expected


def test_a_blocked_task_names_the_tasks_that_have_not_ended() -> None:
    parent = TaskNode(
        id=TaskId(3), name="p", status=Status.PENDING, started_at=None, finished_at=None, run_s=None
    )
    (reason,) = reasons(replace(TASK, status=Status.BLOCKED), replace(FREE, parents=[parent]))
    assert reason.text == "It waits for 1 other task to end."
    assert reason.tasks == [parent]


def test_a_scheduled_task_tells_its_time_or_its_event() -> None:
    task = replace(TASK, status=Status.SCHEDULED)
    assert [one.text for one in reasons(task, FREE)] == ["It is to start"]
    again = replace(task, attempt=1)
    assert [one.text for one in reasons(again, FREE)] == ["It is tried again"]
    wait = EventWait(name="paid", task_id=TASK.id, since=NOW, until=None)
    (reason,) = reasons(again, replace(FREE, waits=[wait]))
    assert reason.text == "It waits for the event 'paid'."


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.COMPLETED, Status.FAILED])
def test_what_does_not_wait_has_no_reason(status) -> None:
    assert reasons(replace(TASK, status=status), Circumstances()) == []
