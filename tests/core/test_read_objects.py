"""What is told as a JSON object is read back as it was."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobrunner.core import control_objects, objects, read_control, read_objects
from tests.core import made

NOW = datetime(2026, 12, 1, tzinfo=UTC)
PAIRS = {
    "task": (made.tasks, objects.task_object, read_objects.task_of),
    "attempt": (made.attempts, objects.log_object, lambda told: read_objects.attempt_of(told, 7)),
    "worker": (made.workers, objects.worker_object, read_objects.worker_of),
    "limits": (made.limits, objects.limits_object, read_objects.limits_of),
    "queue": (made.queues, control_objects.queue_object, read_control.queue_of),
    "key": (made.keys, control_objects.key_object, read_control.key_of),
    "crew": (made.crews, control_objects.crew_object, read_control.crew_of),
    "reached": (made.reached, control_objects.told_object, read_control.reached_of),
    "schedule": (made.schedules, control_objects.schedule_object, read_control.schedule_of),
    "tick": (made.ticks, control_objects.tick_object, read_control.tick_of),
    "batch": (made.batches, control_objects.batch_object, read_control.batch_of),
    "system": (
        made.systems,
        lambda found: control_objects.status_object(found, NOW),
        read_control.status_of,
    ),
}


@pytest.mark.parametrize("kind", PAIRS)
@settings(max_examples=50)
@given(data=st.data())
def test_what_is_told_is_read_back(kind, data):
    strategy, tell, read = PAIRS[kind]
    given_ = data.draw(strategy)
    found = read(json.loads(json.dumps(tell(given_))))
    assert found == given_
    assert type(found) is type(given_)
    assert tell(found) == tell(given_)


@settings(max_examples=50)
@given(made.attempts)
def test_an_attempt_without_its_output_has_none(attempt):
    found = read_objects.attempt_of(objects.attempt_object(attempt), 7)
    assert objects.attempt_object(found) == objects.attempt_object(attempt)
    assert found.stdout is found.stderr is found.traceback is None


@settings(max_examples=50)
@given(made.reports)
def test_a_report_is_read_back_with_what_is_known_of_its_workers(report):
    told = json.loads(json.dumps(objects.report_object(report)))
    workers = {one.info.id: one.info for one in report.workers}
    assert read_objects.report_of(told, workers) == report
    assert read_objects.report_of(told, {}).workers == []
