"""When a task that waits will start is told where enough is known of what comes before it."""

import pytest

from jobrunner.core.estimate import Kind
from jobrunner.core.simulate import start_of
from jobrunner.core.task import TaskId
from tests.core.test_simulate import WORK, task, work


@pytest.mark.parametrize(
    ("open_tasks", "slots", "starts"),
    [
        ([task(1), task(2), task(3), task(4)], 1, 3),
        ([task(1), task(2), task(3), task(4)], 2, 1),
        ([task(1), task(2), task(3), task(4)], 9, 0),
        ([task(1, ran_for=0.5), task(4)], 1, 0.5),
        ([task(1), task(2), task(4, priority=1)], 1, 0),
        ([task(1), task(2, 1), task(4, 2)], 9, 2),
        ([task(1), task(4, starts_in=7.0)], 1, 7),
        ([task(5), task(4)], 1, 0),
    ],
)
def test_a_task_starts_when_its_turn_has_come(open_tasks, slots, starts):
    found = start_of(TaskId(4), work(*open_tasks, slots=slots), {WORK: [1.0] * 5})
    assert (found.low_s, found.likely_s, found.high_s) == (starts, starts, starts)
    if len(open_tasks) > 2:
        assert (found.runs, found.basis) == (5, "from 5 runs of work")


def test_no_start_is_told_where_too_little_is_known_of_what_comes_before():
    other = Kind("function", "other")
    runs = {WORK: [1.0] * 5, other: [1.0] * 4}
    before = [task(1), task(2, kinds=(other,)), task(4)]
    assert not start_of(TaskId(4), work(*before, slots=2), runs).is_known
    assert start_of(TaskId(4), work(*before, slots=3), runs).likely_s == 0
    above = [task(2, kinds=(other,)), task(4, 2)]
    assert not start_of(TaskId(4), work(*above, slots=9), runs).is_known
    behind = [task(4), task(5, kinds=(other,)), task(6, 4, kinds=(other,), priority=9)]
    assert start_of(TaskId(4), work(*behind, slots=1), runs).likely_s == 0
    later = [task(1, kinds=(other,), starts_in=9.0), task(4)]
    assert start_of(TaskId(4), work(*later, slots=1), runs).likely_s == 0
    meanwhile = [task(4, starts_in=60.0), task(5, kinds=(other,))]
    assert not start_of(TaskId(4), work(*meanwhile, slots=1), runs).is_known


def test_no_start_is_told_where_too_little_is_known_of_who_is_under_the_same_limit():
    other = Kind("function", "other")
    by_key = [task(1, kinds=(other,), key="k", ran_for=1.0), task(4, key="k")]
    assert not start_of(TaskId(4), work(*by_key, slots=9, key_limits={"k": 1}), {}).is_known
    by_queue = [task(1, kinds=(other,), ran_for=1.0), task(4)]
    limits = {"default": 1}
    assert not start_of(TaskId(4), work(*by_queue, slots=9, queue_limits=limits), {}).is_known
    apart = [task(1, kinds=(other,), ran_for=1.0), task(4, key="k")]
    found = start_of(TaskId(4), work(*apart, slots=9), {})
    assert (found.likely_s, found.basis) == (0, "nothing comes before it")


def test_no_start_is_told_of_what_is_held_or_only_for_a_failure():
    one = task(4)
    held = start_of(TaskId(4), work(one, paused={"default"}, slots=1), {})
    assert (held.is_known, held.basis) == (False, "it waits for a paused queue, or an event")
    sent = task(4, waits_for_event=True, starts_in=1e9)
    assert start_of(TaskId(4), work(sent, slots=1), {}) == held
    assert start_of(TaskId(5), work(sent, task(5, 4), slots=1), {}) == held
    spared = task(4, parents=((TaskId(1), "only"),))
    found = start_of(TaskId(4), work(task(1), spared, slots=1), {WORK: [1.0] * 5})
    assert (found.is_known, found.basis) == (False, "it runs only if another task fails")
    assert start_of(TaskId(4), work(one, slots=0), {}).basis == "no worker is running"
