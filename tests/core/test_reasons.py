"""What stands in a task's way is told, the weightiest first, and what does not block it behind."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobrunner.core.circumstances import Circumstances, FullLimit, Server
from jobrunner.core.explanation import explain
from jobrunner.core.explanation_objects import explanation_object, explanation_of
from jobrunner.core.insight import Counted
from jobrunner.core.insight_graph import TaskNode
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
TAKER = Server(worker=WORKER, may_claim=True, takes=True)
IDLE = replace(TAKER, takes=False)
FREE = Circumstances(is_ready=True, servers=[TAKER])
KEPT = replace(FREE, servers=[IDLE])
FULL = FullLimit(name="mail", is_queue=True, most=2, used=3)
NODE = TaskNode(
    id=TaskId(3), name="p", status=Status.PENDING, started_at=None, finished_at=None, run_s=None
)


def told(task: Task, around: Circumstances) -> list[tuple[str, bool]]:
    return [(one.kind, one.is_blocking) for one in explain(task, around).reasons]


def served(**changes) -> Circumstances:
    worker = {name: changes.pop(name) for name in [*changes] if name not in {"lacks", "may_claim"}}
    return replace(KEPT, servers=[replace(IDLE, worker=replace(WORKER, **worker), **changes)])


@pytest.mark.parametrize(
    ("around", "kind"),
    [
        (replace(FREE, servers=[]), "workers"),
        (served(status=WorkerStatus.STOPPING), "workers"),
        (served(queues=("other",)), "workers"),
        (served(offers={"gpu": 0.5}, lacks=["gpu"]), "workers"),
        (served(paused_at=NOW, may_claim=False), "workers"),
        (replace(served(lacks=["gpu"]), in_use=[NODE]), "needs"),
        (replace(KEPT, paused_at=NOW), "paused"),
        (replace(KEPT, is_moving=True), "move"),
        (replace(KEPT, is_in_time=False), "expired"),
        (replace(KEPT, full=[FULL]), "limit"),
        (replace(KEPT, full=[replace(FULL, is_queue=False)]), "key"),
        (replace(KEPT, full=[replace(FULL, period=timedelta(minutes=1))]), "rate"),
        (KEPT, "turn"),
    ],
)
def test_what_blocks_a_pending_task(around, kind) -> None:
    assert told(TASK, around) == [(kind, True)]
    assert not explain(TASK, around).is_runnable


@pytest.mark.parametrize(
    ("task", "around", "kinds"),
    [
        (TASK, FREE, ["next"]),
        (TASK, replace(FREE, ahead=Counted(3)), ["ahead"]),
        (TASK, replace(FREE, servers=[replace(TAKER, in_hand=1)]), ["busy"]),
        (TASK, replace(FREE, is_known=False), ["next", "function"]),
        (replace(TASK, crashes=1), FREE, ["next", "crashes"]),
        (replace(TASK, status=Status.SCHEDULED), FREE, ["next"]),
    ],
)
def test_what_is_said_of_a_task_that_a_worker_takes(task, around, kinds) -> None:
    assert told(task, around) == [(kind, False) for kind in kinds]
    assert explain(task, around).is_runnable


def test_of_many_things_the_weightiest_comes_first() -> None:
    around = replace(KEPT, paused_at=NOW, full=[FULL], ahead=Counted(10_000, is_capped=True))
    explanation = explain(TASK, replace(around, servers=[]))
    assert [one.kind for one in explanation.reasons] == ["paused", "workers", "limit", "ahead"]
    assert str(explanation) == (
        "Its queue 'mail' is paused since 2026-12-01 00:00:00 UTC. No worker runs. "
        "Of its queue 'mail', no more than 2 may run, and 3 run. "
        "10,000 or more tasks are ahead of it in its queue 'mail'."
    )


def test_a_blocked_task_names_the_tasks_that_have_not_ended() -> None:
    task = replace(TASK, status=Status.BLOCKED)
    around = Circumstances(parents=[NODE], waiting_on=1, servers=[IDLE])
    (reason,) = explain(task, around).reasons
    assert (reason.text, reason.tasks) == ("It waits for 1 other task to end.", (NODE,))
    assert [kind for kind, _ in told(task, replace(around, is_due=False))] == [
        "parents",
        "scheduled",
    ]


def test_a_scheduled_task_tells_its_time_or_its_event() -> None:
    task = replace(TASK, status=Status.SCHEDULED)
    around = Circumstances(servers=[IDLE])
    (reason,) = explain(task, around).reasons
    assert reason.text == "It is to start at 2026-12-01 00:00:00 UTC."
    wait = EventWait(name="paid", task_id=TASK.id, since=NOW, until=None)
    (reason,) = explain(task, replace(around, waits=[wait])).reasons
    assert reason.text == "It waits for the event 'paid'."
    until = replace(wait, until=NOW)
    (reason,) = explain(task, replace(around, waits=[until])).reasons
    assert reason.text.endswith("until 2026-12-01 00:00:00 UTC at the latest.")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (Status.COMPLETED, "It completed at 2026-12-01 00:00:00 UTC."),
        (Status.FAILED, "It failed after 3 attempts at 2026-12-01 00:00:00 UTC: no."),
        (Status.CANCELLED, "It was cancelled at 2026-12-01 00:00:00 UTC: no."),
    ],
)
def test_what_has_ended_tells_how(status, text) -> None:
    error = None if status is Status.COMPLETED else "no"
    attempt = 3 if status is Status.FAILED else 1
    task = replace(TASK, status=status, finished_at=NOW, error=error, attempt=attempt)
    (reason,) = explain(task, Circumstances()).reasons
    assert reason.text == text
    assert "jobrunner task retry 7" in reason.hint


def test_an_explanation_survives_its_json() -> None:
    full = replace(FULL, period=timedelta(seconds=9), opens_at=NOW, holders=(NODE,))
    explanation = explain(TASK, replace(KEPT, full=[full]))
    assert explanation_of(explanation_object(explanation)) == explanation
