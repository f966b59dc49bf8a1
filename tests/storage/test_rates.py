"""No window of a period ever sees more starts than its rate, however time passes."""

from bisect import bisect_right

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobrunner.core.new_task import NewTask
from tests.storage.limiting import Limiting

STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 3, 7, 10, 11, 25]),  # tenths of a second that pass
        st.sampled_from([0, 0, 0, -0.3, -5, -40]),  # seconds by which the clock is set
        st.integers(1, 4),
        st.sampled_from(["ada", "bob"]),
    ),
    min_size=5,
    max_size=30,
)


@pytest.fixture
def limits(store):
    store.worker("bob")
    return Limiting(store)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rate=st.integers(1, 4), period=st.sampled_from([0.5, 1, 2]), steps=STEPS)
def test_no_window_sees_more_starts_than_the_rate(limits, rate, period, steps):
    """By true time: a clock that is set back lets nobody start early."""
    for table in ("rate_starts", "tasks", "concurrency_keys", "queues"):
        limits.store.sql(f"DELETE FROM {table}")  # noqa: S608
    limits.limit_key("api", concurrency=None, rate=(rate, period))
    limits.limit_queue("plain", rate=(rate, period))
    limits.store.enqueue(*(_task(number) for number in range(40)))
    true_time = 0.0
    began = {"api": [], "plain": []}
    for tenths, jump, wanted, worker in steps:
        true_time += tenths / 10
        limits.store.later(tenths / 10 + jump)
        for lease in limits.claim(wanted, worker=worker):
            name = "plain" if lease.queue == "plain" else "api"
            began[name].append(true_time)
    for moments in began.values():
        for first, moment in enumerate(moments):
            inside = bisect_right(moments, moment + period - 1e-6) - first
            assert inside <= rate, (moments, moment)


def _task(number):
    if number % 2:
        return NewTask(function="work", queue="plain")
    return NewTask(function="work", concurrency_key="api", queue=f"q{number % 3}")
