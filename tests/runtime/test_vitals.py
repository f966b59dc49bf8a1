"""Whether workers live, somebody serves each queue, and the clock goes forward, is judged."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from jobrunner.core.finding import Level
from jobrunner.core.hook import WEBHOOK
from jobrunner.core.task import WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.runtime.identity import boot_id
from jobrunner.runtime.liveness import Liveness
from jobrunner.runtime.vitals import (
    Vital,
    judge_clock,
    judge_functions,
    judge_queues,
    judge_workers,
    vitals,
)
from jobrunner.storage.kernel import Process
from jobrunner.storage.stuck import Stuck

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ADA = WorkerId("ada")
NOTHING = Stuck({}, {}, {}, None)


def info(name=ADA, queues=(), status=WorkerStatus.RUNNING, **fields):
    values = {
        "id": name,
        "host": "here",
        "boot_id": boot_id(),
        "pid": os.getpid(),
        "executor": "thread",
        "concurrency": 1,
        "queues": queues,
        "status": status,
        "beat": 3,
        "started_at": NOW,
        "seen_at": NOW,
        "stopped_at": None,
        "error": None,
    }
    return WorkerInfo(**(values | fields))


def vital(name=ADA, *, is_dead=False, state="S", silent_s=1.0, **fields):
    return Vital(info(name, **fields), is_dead, Process(7, "python", state), silent_s)


def judged(found, stuck=NOTHING):
    return [(one.level, one.says) for one in judge_workers(found, stuck)]


def levels(findings):
    return [one.level for one in findings]


def test_living_workers_are_counted():
    assert judged([vital(), vital("bob")]) == [(Level.OK, "2 workers alive")]
    assert judged([]) == [(Level.OK, "none is running")]


def test_a_stopped_worker_is_a_problem_with_a_next_step():
    (found,) = judge_workers([vital(state="T")], NOTHING)
    assert (found.level, "kill -CONT 7" in found.hint) == (Level.PROBLEM, True)


def test_a_silent_worker_is_told():
    assert judged([vital(silent_s=45.4)]) == [
        (Level.WARNING, "worker ada on here has shown no life for 45 s")
    ]


def test_a_dead_worker_is_told():
    assert judged([vital(is_dead=True, silent_s=99)]) == [
        (Level.WARNING, "ada died without a word")
    ]


@pytest.mark.parametrize("found", [[], [vital(is_dead=True)]])
def test_tasks_left_with_a_worker_that_is_gone_are_a_problem(found):
    stuck = NOTHING._replace(in_progress={ADA: 3})
    assert judged(found, stuck)[0] == (
        Level.PROBLEM,
        "3 tasks in progress at a worker that is gone: ada",
    )
    assert judged([*found, vital("bob")], stuck)[0][0] is Level.WARNING


def test_tasks_at_living_workers_are_where_they_belong():
    assert judged([vital()], NOTHING._replace(in_progress={ADA: 3}))[0][0] is Level.OK


def test_a_dead_worker_is_told_from_a_living_one_by_its_lock(tmp_path):
    folder = tmp_path / "jobs.db.workers"
    liveness = Liveness(folder)
    liveness.hold(ADA)
    (folder / "bob").touch()
    elsewhere = info("eve", boot_id="another", seen_at=NOW - timedelta(seconds=31))
    ada, bob, eve = vitals(folder, [info(), info("bob"), elsewhere], NOW)
    liveness.release(ADA)
    assert [one.is_dead for one in (ada, bob, eve)] == [False, True, False]
    assert [one.is_well for one in (ada, bob, eve)] == [True, False, False]
    assert ada.process is not None
    assert ada.process.pid == os.getpid()


def test_pending_tasks_want_a_worker():
    stuck = NOTHING._replace(pending={"default": 2})
    for found in ([], [vital(is_dead=True)], [vital(status=WorkerStatus.STOPPING)]):
        (only,) = judge_queues(found, stuck)
        assert only.says == "2 tasks pending, and no worker is running"
    assert levels(judge_queues([vital()], stuck)) == [Level.OK]
    assert levels(judge_queues([], NOTHING)) == [Level.OK]


def test_a_queue_that_nobody_serves_is_named():
    stuck = NOTHING._replace(pending={"mail": 1, "two words": 3})
    (found,) = judge_queues([vital(queues=("mail",))], stuck)
    assert found.says == "3 tasks pending in queue 'two words', which no worker serves"
    assert found.hint == "Start one: `jobrunner work --queue 'two words'`."
    everybody = [vital(queues=("mail",)), vital("bob")]
    assert levels(judge_queues(everybody, stuck)) == [Level.OK]


def test_a_function_that_waiting_tasks_name_must_be_registered():
    stuck = NOTHING._replace(functions={"resize": 17, "add": 1, WEBHOOK: 2})
    (found,) = judge_functions(["add", "resized"], stuck)
    assert found.level is Level.PROBLEM
    assert found.says == "17 tasks waiting for 'resize', which is not registered here"
    assert found.hint == "Did you mean 'resized'?"
    assert levels(judge_functions(["add", "resize"], stuck)) == [Level.OK]
    assert levels(judge_functions([], stuck)) == [Level.OK]
    assert levels(judge_functions([], NOTHING)) == []


@pytest.mark.parametrize(
    ("newest", "level"),
    [
        (None, Level.OK),
        (NOW - timedelta(days=400), Level.OK),
        (NOW + timedelta(minutes=1), Level.OK),
        (NOW + timedelta(minutes=1, seconds=1), Level.PROBLEM),
    ],
)
def test_the_clock_is_not_behind_what_was_stored(newest, level):
    assert judge_clock(NOW, newest).level is level


def test_a_clock_that_was_never_set_is_told():
    assert "it says 1970-01-01" in judge_clock(datetime(1970, 1, 1, tzinfo=UTC), None).says
    back = judge_clock(NOW, NOW + timedelta(hours=2))
    assert "it went back by 2:00:00" in back.says
