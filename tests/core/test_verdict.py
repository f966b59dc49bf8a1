"""What follows from each outcome: the whole table."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from jobrunner.core.outcome import (
    NAMES,
    WORDS,
    Cached,
    Cancelled,
    Completed,
    Crashed,
    Failed,
    Kept,
    Lost,
    Outcome,
    Released,
    Snoozed,
    Stored,
    TimedOut,
    Waiting,
)
from jobrunner.core.status import TRANSITIONS, Status
from jobrunner.core.task import Lease, TaskId, Token
from jobrunner.core.verdict import CANCEL_REASON, MAX_CRASHES, Verdict, decide

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
S = Status


def lease(attempt=1, max_attempts=5, crashes=0):
    return Lease(
        task_id=TaskId(1),
        token=Token(1),
        attempt=attempt,
        max_attempts=max_attempts,
        crashes=crashes,
        queue="default",
        priority=0,
        function="work",
        command=None,
        cwd=None,
        args=None,
        kwargs=None,
        timeout=None,
        ready_at=0,
    )


def backoff(failures):
    """As many minutes as failures."""
    return failures * MINUTE


def judge(outcome, *, cancel=False, **held):
    return decide(lease(**held), outcome, now=NOW, backoff=backoff, cancel=cancel)


# outcome, what the lease holds -> status, attempt, crashes, minutes to the next run
TABLE = [
    (Completed("1"), {}, S.COMPLETED, 1, 0, None),
    (Completed("1"), {"attempt": 5, "crashes": 4}, S.COMPLETED, 5, 4, None),
    (Cancelled("enough"), {}, S.CANCELLED, 1, 0, None),
    (Failed("x"), {}, S.SCHEDULED, 1, 0, 1),
    (Failed("x"), {"attempt": 4}, S.SCHEDULED, 4, 0, 4),
    (Failed("x"), {"attempt": 5}, S.FAILED, 5, 0, None),
    (Failed("x"), {"attempt": 6}, S.FAILED, 6, 0, None),
    (Failed("x"), {"max_attempts": 1}, S.FAILED, 1, 0, None),
    (Failed("x"), {"attempt": 5, "crashes": 1}, S.SCHEDULED, 5, 1, 4),
    (Failed("x"), {"attempt": 6, "crashes": 1}, S.FAILED, 6, 1, None),
    (Failed("x", retryable=False), {}, S.FAILED, 1, 0, None),
    (Failed("x", retry_after=9 * MINUTE), {}, S.SCHEDULED, 1, 0, 9),
    (Failed("x", retry_after=timedelta()), {}, S.SCHEDULED, 1, 0, 0),
    (Failed("x", retry_after=9 * MINUTE), {"attempt": 5}, S.FAILED, 5, 0, None),
    (Failed("x", retryable=False, retry_after=MINUTE), {}, S.FAILED, 1, 0, None),
    (TimedOut("x"), {}, S.SCHEDULED, 1, 0, 1),
    (TimedOut("x"), {"attempt": 3, "crashes": 1}, S.SCHEDULED, 3, 1, 2),
    (TimedOut("x"), {"attempt": 5}, S.FAILED, 5, 0, None),
    (Crashed("x"), {}, S.PENDING, 1, 1, 0),
    (Crashed("x"), {"max_attempts": 1}, S.PENDING, 1, 1, 0),
    (Crashed("x"), {"attempt": 4, "crashes": 3}, S.PENDING, 4, 4, 0),
    (Crashed("x"), {"attempt": 5, "crashes": 4}, S.FAILED, 5, 5, None),
    (Lost("x"), {}, S.PENDING, 1, 1, 0),
    (Lost("x"), {"attempt": 9, "crashes": 4}, S.FAILED, 9, 5, None),
    (Snoozed(7 * MINUTE), {}, S.SCHEDULED, 0, 0, 7),
    (Snoozed(7 * MINUTE), {"attempt": 5, "crashes": 2}, S.SCHEDULED, 4, 2, 7),
    (Released(), {}, S.PENDING, 0, 0, 0),
    (Released(), {"attempt": 5, "crashes": 4}, S.PENDING, 4, 4, 0),
    (Waiting("paid", NOW, NOW + 3 * MINUTE), {}, S.SCHEDULED, 0, 0, 3),
    (Waiting("paid", NOW), {"attempt": 2, "crashes": 1}, S.SCHEDULED, 1, 1, 36_500 * 24 * 60),
    (Cached("1", "key"), {}, S.COMPLETED, 1, 0, None),
    (Stored("1"), {"attempt": 5}, S.COMPLETED, 5, 0, None),
    (Kept("1", "key"), {}, S.COMPLETED, 1, 0, None),
]
IDS = [f"{type(row[0]).__name__}-{row[1]}" for row in TABLE]


@pytest.mark.parametrize(
    ("outcome", "held", "status", "attempt", "crashes", "wait"), TABLE, ids=IDS
)
def test_the_table_of_verdicts(outcome, held, status, attempt, crashes, wait):
    verdict = judge(outcome, **held)
    assert (verdict.status, verdict.attempt, verdict.crashes) == (status, attempt, crashes)
    assert verdict.run_at == (None if wait is None else NOW + wait * MINUTE)
    assert (Status.IN_PROGRESS, status) in TRANSITIONS


@pytest.mark.parametrize(
    ("outcome", "held", "status", "attempt", "crashes", "wait"), TABLE, ids=IDS
)
def test_with_a_cancel_request_nothing_runs_again(outcome, held, status, attempt, crashes, wait):
    verdict = judge(outcome, cancel=True, **held)
    if wait is None:
        assert verdict == judge(outcome, **held)
    else:
        spent = held.get("attempt", 1)  # what was given back to run again is spent after all
        assert verdict == Verdict(S.CANCELLED, spent, crashes, error=CANCEL_REASON)


@pytest.mark.parametrize("outcome", [row[0] for row in TABLE], ids=IDS)
def test_only_a_task_that_runs_again_has_a_next_moment(outcome):
    verdict = judge(outcome)
    assert (verdict.run_at is None) is verdict.status.is_final


def test_every_outcome_is_judged_and_has_a_name():
    special = {kind for kind in NAMES if kind is not Completed and issubclass(kind, Completed)}
    assert {type(row[0]) for row in TABLE} == {*get_args(Outcome), *special} == set(NAMES)
    assert [NAMES[kind] for kind in (Completed, Stored, Kept)] == ["completed"] * 3
    assert len(WORDS) == len(NAMES) - 2


def test_a_result_and_an_error_are_kept():
    assert judge(Completed('"r"')).result == '"r"'
    assert judge(Completed('"r"')).error is None
    assert judge(Failed("broken")).error == "broken"
    assert judge(Failed("broken"), attempt=5).error == "broken"
    assert judge(Cancelled("enough")).error == "enough"
    assert judge(Snoozed(MINUTE)).error is None


def test_a_poison_pill_says_how_often_and_how_it_crashed():
    assert MAX_CRASHES == 5
    said = judge(Crashed("signal 11"), crashes=4).error
    assert said == "poison pill, crashed 5 times; the last time: signal 11"
