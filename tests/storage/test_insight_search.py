"""Pages of tasks agree with a plain look at all of them, whichever way they are found."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobrunner.core.bulk import FITTING, Wanted
from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.insight import Counted, TaskQuery
from jobrunner.core.status import Status
from jobrunner.storage import bulk, search
from jobrunner.storage.types import micros
from tests.storage.conftest import NOW
from tests.storage.insights import clock as clock  # noqa: PLC0414 — a fixture of several files
from tests.storage.insights import insight as insight  # noqa: PLC0414 — likewise

ROWS = 120
FILL = """
INSERT INTO tasks (id, status, queue, priority, run_at, max_attempts, created_at, finished_at,
    function, command, description, error, batch_id, worker_id, token, waiting_on, lane)
VALUES (:id, :status, :queue, :priority, :at, 5, :at, :finished_at,
    :function, :command, :description, :error, :batch_id, :worker_id, :token, :waiting_on, :lane)
"""
TEXTS = ("", "100 %", "a_b", "Ada", "\\")


def row(number):
    """A task of any kind; ids have gaps."""
    status = [*Status][number * 5 % 7]
    running = status is Status.IN_PROGRESS
    is_command = number % 5 == 0
    return {
        "id": number * 3 + (number > ROWS // 2) * 1000,
        "status": status.value,
        "queue": "abc"[number % 3],
        "priority": number % 4,
        "at": micros(NOW) + number * 1_000_000,
        "finished_at": micros(NOW) + number if status.is_final else None,
        "function": None if is_command else f"f{number % 2}",
        "command": '["say","a_b"]' if is_command else None,
        "description": TEXTS[number % len(TEXTS)],
        "error": ("Boom" if number % 4 else "boom 100 %") if status is Status.FAILED else None,
        "batch_id": number % 6 or None,
        "worker_id": "ada" if running or (status.is_final and number % 2) else None,
        "token": number + 1 if running else None,
        "waiting_on": int(status is Status.BLOCKED),
        "lane": '["k",{}]' if status is Status.PENDING and number % 2 else None,
    }


TASKS = [row(number) for number in range(1, ROWS)]


@pytest.fixture
def filled(store, insight, monkeypatch):
    monkeypatch.setattr(search, "NEAR", 10)
    monkeypatch.setattr(search, "FEW", 8)
    monkeypatch.setattr(search, "FAR", 50)
    monkeypatch.setattr(search, "COUNTED", 10_000)
    for values in TASKS:
        store.sql(FILL, **values)
    yield insight
    store.sql("DELETE FROM tasks")  # blocked by nothing: not sound


def matches(query, task):
    equal = ("status", "queue", "function", "batch_id", "worker_id")
    same = all(getattr(query, n) in (None, task[n]) for n in equal)
    told = " ".join(str(task[n]) for n in ("description", "function", "command") if task[n])
    has_text = not query.text or query.text.lower() in told.lower()
    error = task["error"] or ""
    has_error = query.error is None or (query.error in error and error != "")
    since, until = query.created_since, query.created_until
    in_time = (since is None or micros(since) <= task["at"]) and (
        until is None or task["at"] < micros(until)
    )
    return same and has_text and has_error and in_time


moments = st.none() | st.integers(0, ROWS).map(lambda n: NOW + timedelta(seconds=n))
rarely = st.none() | st.none() | st.none()
queries = st.builds(
    TaskQuery,
    status=st.none() | st.sampled_from(Status),
    queue=st.none() | st.sampled_from(["a", "b", "z"]),
    function=rarely | st.sampled_from(["f0", "f1", "f"]),
    batch_id=rarely | st.sampled_from([1, 5, 9, 0, -1, 2**63]),
    worker_id=rarely | st.sampled_from(["ada", "eve"]),
    error=rarely | st.sampled_from(["boom", "Boom", "100 %", "_", ""]),
    text=rarely | st.sampled_from(["%", "_", "a_b", "ADA", "\\", "f1", "say", "zz", ""]),
    created_since=moments,
    created_until=moments,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=queries, limit=st.integers(1, 40))
def test_pages_and_counts_agree_with_a_look_at_all(filled, query, limit):
    expected = [task["id"] for task in reversed(TASKS) if matches(query, task)]
    found, before, pages = [], None, 0
    while pages == 0 or before is not None:
        page = filled.find(query, limit, before)
        assert len(page) <= limit
        found += [task.id for task in page]
        assert page.next_before is None or before is None or page.next_before < before
        assert not page.is_cut or page.next_before is not None
        before, pages = page.next_before, pages + 1
    assert found == expected  # each once, newest first
    assert filled.count(query, cap=1_000) == Counted(len(expected))
    capped = filled.count(query, cap=3)
    assert capped == Counted(min(3, len(expected)), len(expected) > 3)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=queries, limit=st.integers(1, 40), after=st.integers(-1, ROWS * 3))
def test_pages_towards_the_newer_agree_with_a_look_at_all(filled, query, limit, after):
    expected = [task["id"] for task in TASKS if matches(query, task) and task["id"] > after]
    found, cursor = [], after
    while cursor is not None:
        page = filled.find_newer(query, limit, cursor)
        assert len(page) <= limit
        found += [task.id for task in page[::-1]]
        assert page.next_after is None or page.next_after > cursor
        assert not page.is_cut or page.next_after is not None
        cursor = page.next_after
    assert found == expected


def as_wanted(query):
    """The same for acts on many."""
    return {name: getattr(query, name) for name in query.given} or {"every": True}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=queries)
def test_acts_on_many_mean_what_a_page_shows(filled, store, query):
    for act, statuses in FITTING.items():
        if query.status not in statuses or query.batch_id not in (None, *range(1, 10)):
            continue
        wanted = Wanted(**as_wanted(query))
        expected = [task["id"] for task in TASKS if matches(query, task)]
        assert sorted(store.read(bulk.following, wanted, act)) == expected


def test_a_look_without_an_index_is_cut_and_says_so(filled, monkeypatch):
    monkeypatch.setattr(search, "COUNTED", 50)
    page = filled.find(TaskQuery(text="none like that"))
    assert (len(page), page.is_cut, page.next_before) == (0, True, TASKS[-1]["id"] - 49)
    assert filled.count(TaskQuery(text="none like that")) == Counted(0, is_capped=True)
    ids = {task["id"] for task in TASKS if task["status"] == "failed"}
    assert {task.id for task in filled.find(TaskQuery(status=Status.FAILED), 100)} == ids


@pytest.mark.parametrize("before", [0, -5, 2**63, 10**30, 1])
def test_a_page_before_any_number_is_there(filled, before):
    found = filled.find(TaskQuery(), 1, before)
    assert len(found) == (before > 1)


@pytest.mark.parametrize("limit", [0, -1, 2**63, True, None])
def test_a_page_has_a_size(filled, limit):
    with pytest.raises(InvalidTaskError):
        filled.find(TaskQuery(), limit)


def test_an_empty_database_has_an_empty_page(insight):
    assert not insight.find(TaskQuery())
    assert insight.count(TaskQuery()) == insight.count(TaskQuery(text="a")) == Counted(0)
