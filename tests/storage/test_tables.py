"""The tables refuse what must never be, whoever writes it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DataError, IntegrityError

from jobrunner.core.outcome import Completed
from jobrunner.storage.types import Moment, Span

DIALECT = sqlite.dialect()


@pytest.mark.parametrize(
    "change",
    [
        "status = 'dreaming'",
        "status = 'in_progress'",
        "status = 'in_progress', token = 1",
        "token = 1",
        "status = 'completed'",
        "finished_at = 1",
        "status = 'blocked'",
        "waiting_on = 1",
        "waiting_on = -1",
        "attempt = -1",
        "crashes = -1",
        "function = NULL",
        "command = '[]'",
        "priority = 'high'",
    ],
)
def test_a_task_that_contradicts_itself_is_refused(store, change):
    store.add()
    with pytest.raises((IntegrityError, DataError)):
        store.sql(f"UPDATE tasks SET {change}")  # noqa: S608


@pytest.mark.parametrize("change", ["status = 'asleep'", "stopped_at = 1", "status = 'lost'"])
def test_a_worker_that_contradicts_itself_is_refused(store, change):
    with pytest.raises(IntegrityError):
        store.sql(f"UPDATE workers SET {change}")  # noqa: S608


@pytest.mark.parametrize(
    "edge", ["1, 1, 'cancel'", "1, 2, 'maybe'", "1, 99, 'run'", "99, 1, 'run'"]
)
def test_an_edge_without_meaning_is_refused(store, edge):
    store.add()
    store.add()
    with pytest.raises(IntegrityError):
        store.sql(f"INSERT INTO dependencies VALUES ({edge})")  # noqa: S608


def test_an_end_without_meaning_is_refused(store):
    store.add()
    store.settle(store.claim_one(), Completed())
    with pytest.raises(IntegrityError):
        store.sql("UPDATE attempts SET outcome = 'dreamt'")


moments = st.datetimes(timezones=st.timezones() | st.just(UTC))


@given(moments.filter(lambda moment: 1 < moment.year < 9999))
def test_a_moment_keeps_its_microsecond(moment):
    stored = Moment().process_bind_param(moment, DIALECT)
    assert isinstance(stored, int)
    assert Moment().process_result_value(stored, DIALECT) - moment == timedelta()


@given(st.timedeltas())
def test_a_span_keeps_its_microsecond(span):
    stored = Span().process_bind_param(span, DIALECT)
    assert Span().process_result_value(stored, DIALECT) == span


def test_a_moment_is_stored_in_utc():
    east = timezone(timedelta(hours=2))
    assert Moment().process_bind_param(datetime(1970, 1, 1, 2, tzinfo=east), DIALECT) == 0
    assert Moment().process_bind_param(datetime(1969, 12, 31, tzinfo=UTC), DIALECT) < 0


def test_nothing_stays_nothing():
    for kind in (Moment(), Span()):
        assert kind.process_bind_param(None, DIALECT) is None
        assert kind.process_result_value(None, DIALECT) is None
