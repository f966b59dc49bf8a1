"""Open tasks are run through as workers would claim them, and the end is told with a range."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobrunner.core.estimate import Kind
from jobrunner.core.open_work import OpenTask, OpenWork, course
from jobrunner.core.pauses import SlotRun, pause
from jobrunner.core.simulate import simulate
from jobrunner.core.slots import Caps, makespan
from jobrunner.core.task import Progress, TaskId

WORK = Kind("function", "work")
FREE = Caps({}, {})


def task(number, *parents, **fields):
    edges = tuple((TaskId(parent), "cancel") for parent in parents)
    return OpenTask(**{"id": TaskId(number), "kinds": (WORK,), "parents": edges} | fields)


def work(*tasks, **fields):
    return OpenWork(tasks=tasks, number=len(tasks), **fields)


def span(tasks, slots, seconds=1.0, *, caps=FREE):
    took = {one.id: seconds for one in tasks} if isinstance(seconds, float) else seconds
    return makespan(tasks, took, slots=slots, caps=caps)


def test_slots_share_the_work():
    tasks = [task(number) for number in range(1, 11)]
    assert [span(tasks, slots) for slots in (1, 2, 3, 10, 99)] == [10, 5, 4, 1, 1]


def test_a_dependent_starts_when_its_last_parent_has_ended():
    tasks = [task(1), task(2), task(3, 1, 2), task(4, 3)]
    assert span(tasks, 9, {1: 1.0, 2: 5.0, 3: 2.0, 4: 1.0}) == 8


def test_what_is_more_urgent_goes_first_and_then_what_is_older():
    tasks = [task(1), task(2), task(3, priority=1), task(4, 3)]
    took = {1: 4.0, 2: 4.0, 3: 1.0, 4: 4.0}
    assert span(tasks, 1, took) == 13
    assert span(tasks, 2, took) == 8  # with the third of them last, it were 9


def test_nothing_starts_before_its_time():
    assert span([task(1, starts_in=10.0), task(2)], 1) == 11
    assert span([task(1, starts_in=-10.0), task(2)], 1) == 2


def test_what_runs_already_goes_on_even_where_there_are_fewer_slots():
    tasks = [task(number, ran_for=1.0) for number in (1, 2, 3)]
    assert span([*tasks, task(4)], 1) == 2


def test_each_start_costs_the_pause_that_was_measured():
    tasks = [task(1, ran_for=9.0), task(2), task(3), task(4, 3)]
    took = dict.fromkeys((1, 2, 3, 4), 1.0)
    assert makespan(tasks, took, slots=1, caps=FREE, pause=0.5) == 5.5
    runs = [
        SlotRun("ada", 0, 0, 1_000_000),
        SlotRun("ada", 0, 1_010_000, 2_000_000),
        SlotRun("bob", 0, 1_500_000, 3_000_000),
        SlotRun("ada", 5, 2_030_000, 3_000_000),
        SlotRun("ada", 3_500_000, 3_600_000, 4_000_000),  # there was nothing to do before
    ]
    assert pause(runs) == pytest.approx(0.01)
    assert pause(runs[:1]) == 0
    two_slots = [
        SlotRun("ada", 0, 0, 1_000_000),
        SlotRun("ada", 0, 0, 1_100_000),
        SlotRun("ada", 0, 1_500_000, 2_500_000),
        SlotRun("ada", 0, 1_600_000, 2_600_000),
    ]
    assert pause(two_slots) == pytest.approx(0.5)
    assert pause([run._replace(is_limited=True) for run in two_slots]) == 0
    assert pause([SlotRun("ada", 0, 5, 5), SlotRun("ada", 0, 5, 5)]) == 0


def test_limits_hold_without_being_in_the_way_of_others():
    slow = [task(number, queue="slow") for number in range(1, 5)]
    quick = [task(number) for number in range(5, 9)]
    assert span([*slow, *quick], 2, caps=Caps({"slow": 1}, {})) == 4
    assert span([*slow, *quick], 8, caps=Caps({"slow": 1}, {})) == 4
    keyed = [task(number, queue="slow", key="k" if number % 2 else "l") for number in range(1, 9)]
    assert span(keyed, 8, caps=Caps({"slow": 2}, {"k": 1, "l": 1})) == 4
    assert span(keyed, 8, caps=Caps({"slow": 3}, {"k": 1, "l": 3})) == 4
    assert span(keyed, 8, caps=Caps({}, {"k": 1})) == 4


@settings(deadline=None)
@given(
    edges=st.sets(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=20),
    seconds=st.lists(st.integers(1, 50), min_size=12, max_size=12),
    slots=st.integers(1, 6),
    queues=st.lists(st.sampled_from("ab"), min_size=12, max_size=12),
    cap=st.integers(1, 3),
)
def test_the_end_is_within_grahams_bounds(edges, seconds, slots, queues, cap):
    numbers = range(1, 13)
    parents = {number: [one for one, two in edges if one < two == number] for number in numbers}
    tasks = [task(one, *above, queue=queues[one - 1]) for one, above in parents.items()]
    took = {number: float(seconds[number - 1]) for number in parents}
    until = dict.fromkeys(parents, 0.0)
    for number, above in parents.items():
        until[number] = took[number] + max((until[one] for one in above), default=0.0)
    longest, total = max(until.values()), sum(took.values())
    found = span(tasks, slots, took)
    assert max(longest, total / slots) <= found <= total / slots + longest
    limited = span(tasks, slots, took, caps=Caps({"a": cap}, {}))
    of_a = sum(took[number] for number in parents if queues[number - 1] == "a")
    assert max(longest, total / slots, of_a / cap) <= limited <= total


def test_what_only_a_failure_starts_is_not_counted_in():
    only = ((TaskId(1), "only"),)
    tasks = [
        task(1),
        task(2, parents=only),
        task(3, 2),
        task(4, parents=((TaskId(2), "run"),)),
        task(5, parents=only, has_failed_parent=True),
        task(6, parents=((TaskId(2), "only"),)),
    ]
    found = course(work(*tasks))
    assert sorted(one.id for one in found.run) == [1, 4, 5, 6]
    assert found.held == []


def test_what_waits_for_a_paused_queue_is_held_and_told():
    tasks = [task(1, queue="off"), task(2, 1), task(3), task(4, queue="off", ran_for=0.5)]
    stopped = work(*tasks, paused=["off"])
    assert sorted(one.id for one in course(stopped).run) == [3, 4]
    found = simulate(stopped, {WORK: [1.0] * 5}, workers=[1])[0]
    assert (found.tasks, found.held) == (4, 2)
    assert found.left.is_known
    only = simulate(work(tasks[0], paused=["off"]), {WORK: [1.0] * 5}, workers=[1])[0]
    assert only.left.basis == "all that is open waits for a paused queue, or an event"
    assert not only.left.is_known


def test_a_forecast_tells_its_range_its_basis_and_the_longest_chain():
    runs = {WORK: [float(second) for second in range(1, 21)]}
    tasks = [task(1), task(2, 1), task(3, 2), *(task(number) for number in range(4, 100))]
    one, four, many = simulate(work(*tasks), runs, workers=[1, 4, 1_000])
    assert one.left.likely_s == pytest.approx(99 * 10.5, rel=0.15)
    assert one.left.low_s < one.left.likely_s < one.left.high_s
    assert four.left.likely_s == pytest.approx(one.left.likely_s / 4, rel=0.1)
    assert many.path_s <= many.left.high_s
    assert one.path == (1, 2, 3)
    assert one.path_s == pytest.approx(31.5)
    assert one.busy_s == pytest.approx(99 * 10.5)
    assert one.left.basis == "from 20 runs of work"
    assert one.busy_share == pytest.approx(1, abs=0.15)
    assert many.busy_share < 0.1
    again = simulate(work(*tasks), runs, workers=[1, 4, 1_000])
    assert again == [one, four, many]  # nothing is random


def test_too_few_runs_of_one_kind_leave_the_end_unknown():
    new = task(2, kinds=(Kind("function", "new"),))
    runs = {WORK: [1.0] * 9, Kind("function", "new"): [1.0] * 4}
    (found,) = simulate(work(task(1), new), runs, workers=[3])
    assert not found.left.is_known
    assert found.unknown == {"new": 4}
    assert str(found.left) == "unknown: 4 runs of new are recorded, it takes 5"
    assert (found.busy_s, found.path_s, found.busy_share) == (None, None, None)


def test_what_runs_is_known_by_its_progress_even_without_runs():
    running = task(1, kinds=(), ran_for=10.0, progress=Progress(1, 2))
    (found,) = simulate(work(running), {}, workers=[1])
    assert found.left.likely_s == pytest.approx(10, rel=0.5)
    assert found.left.basis == "from the progress of what runs"


def test_others_take_slots_as_they_come_and_are_told():
    tasks = [task(1), task(2), task(3, 2), task(4, kinds=(Kind("function", "new"),))]
    runs = {WORK: [1.0] * 5}
    (found,) = simulate(OpenWork(tasks=tasks, wanted={2, 3}, number=2), runs, workers=[1])
    assert (found.left.likely_s, found.tasks, found.others) == (3, 2, 1)
    assert (found.path, found.busy_s) == ((2, 3), 2)
    assert found.busy_share == pytest.approx(2 / 3)
    (first,) = simulate(OpenWork(tasks=tasks, wanted={1}, number=1), runs, workers=[1])
    assert first.left.likely_s == 1


def test_without_workers_nothing_ends_and_without_tasks_all_has():
    runs = {WORK: [1.0] * 5}
    assert simulate(work(task(1)), runs, workers=[0])[0].left.basis == "no worker is running"
    (nothing,) = simulate(work(), runs, workers=[0])
    assert (nothing.left.likely_s, nothing.left.basis) == (0, "nothing is open")


def test_what_was_not_looked_at_is_taken_for_alike():
    tasks = [task(number) for number in range(1, 101)]
    much = OpenWork(tasks=tasks, number=10_000, is_cut=True)
    (found,) = simulate(much, {WORK: [2.0] * 5}, workers=[4])
    assert found.left.likely_s == pytest.approx(10_000 * 2 / 4)
    assert found.left.basis == "from 5 runs of work, by the first 100 tasks"
