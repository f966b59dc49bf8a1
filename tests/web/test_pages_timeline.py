"""The timeline: what ran when, within bounds, on lanes and as a list."""

from datetime import timedelta

import pytest

from tests.storage.conftest import Store
from tests.web.house import busy, store_of, workflow
from tests.web.made_up import HOSTILE


def of(client, query=""):
    return client.get(f"/api/v1/timeline?{query}")


def test_the_json_has_lanes_of_bars_between_two_moments(queue, client):
    workflow(queue)
    busy(queue)
    found = of(client).json()
    bars = [bar for lane in found["lanes"] for bar in lane["bars"]]
    assert [bar["outcome"] for bar in bars].count("failed") == 1
    assert [bar["outcome"] for bar in bars].count("running") == 4
    assert all(bar["ended_at"] is None for bar in bars if bar["outcome"] == "running")
    ada = [lane for lane in found["lanes"] if lane["worker_id"] == "ada"]
    assert [lane["slot"] for lane in ada] == [0, 1, 2]
    assert {lane["host"] for lane in ada} == {"box1"}
    assert not found["is_cut"]


def test_a_lost_worker_is_told_with_its_last_sign_of_life(queue, client):
    store = busy(queue)
    seen = next(one.seen_at for one in queue.workers() if one.id == "bob")
    assert store.lose("bob", reason=HOSTILE)
    store.rescue("bob")
    (lane,) = [lane for lane in of(client).json()["lanes"] if lane["worker_id"] == "bob"]
    assert lane["status"] == "lost"
    assert lane["lost_at"] == seen.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert [bar["outcome"] for bar in lane["bars"]] == ["lost"]
    assert "status-lost" in client.get("/timeline?view=table").text


def test_only_what_ran_then_is_told(queue, client):
    workflow(queue)
    now = queue.clock.now()
    before = (now - timedelta(hours=2)).isoformat().replace("+", "%2B")
    until = (now - timedelta(hours=1)).isoformat().replace("+", "%2B")
    assert of(client, f"since={before}&until={until}").json()["lanes"] == []
    assert of(client, f"since={before}").json()["lanes"]
    assert of(client, "last=3600").json()["lanes"]


def test_the_newest_are_told_where_there_are_too_many(queue, client):
    workflow(queue)
    found = of(client, "limit=2").json()
    assert found["is_cut"]
    assert sum(len(lane["bars"]) for lane in found["lanes"]) == 2


@pytest.mark.parametrize(
    "query",
    [
        "since=2026-01-01T00:00:00Z&until=2026-01-01T00:00:00Z",
        "since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
        "since=2020-01-01T00:00:00Z",
        "since=2026-01-01",
        "since=0001-01-01T00:00:00%2B14:00",
        "until=0001-01-01T00:00:00Z",
        "until=9999-12-31T23:59:59-14:00",
        "since=x",
        f"since={'9' * 5_000}",
        "last=0",
        "last=-1",
        f"last={32 * 86_400}",
        "limit=0",
        "limit=5001",
        "limit=1e3",
    ],
)
def test_a_span_that_is_none_or_too_long_is_refused(client, query):
    answer = of(client, query)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("", "last=3600"),
        ("since=15m", "last=900"),
        ("since=1h30m", "last=5400"),
        ("since=90", "last=90"),
        ("since=0", "last=1"),
        (
            "since=2h&until=2026-01-01T02:00",
            "since=2026-01-01T00%3A00%3A00.000000Z&amp;until=2026-01-01T02%3A00%3A00.000000Z",
        ),
        (
            "since=2026-01-01T01:00%2B01:00&until=2026-01-02",
            "since=2026-01-01T00%3A00%3A00.000000Z&amp;until=2026-01-02T00%3A00%3A00.000000Z",
        ),
    ],
)
def test_the_page_asks_for_the_span_of_its_address(client, query, data):
    page = client.get(f"/timeline?{query}")
    assert page.status_code == 200
    assert f'data-timeline-url="/api/v1/timeline?{data}"' in page.text
    assert of(client, data.replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize(
    "query",
    ["since=x", "since=99w", "since=2020-01-01", "until=now", f"since={'<img>'}", "since=1e9"],
)
def test_what_cannot_be_read_is_told_and_the_last_hour_shown(client, query):
    page = client.get(f"/timeline?{query}")
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert "Shown is the last hour." in page.text
    assert "last=3600" in page.text
    assert "<img" not in page.text


def test_the_same_is_there_as_a_list(queue, client):
    workflow(queue)
    page = client.get("/timeline?view=table&since=6h").text
    assert page.count("<tr>") == 4  # a head, and three attempts
    assert "status-failed" in page
    assert "<img" not in page
    assert 'href="/timeline?since=6h"' in page


def test_the_list_is_bounded_and_says_so(queue, client, monkeypatch):
    monkeypatch.setattr("jobrunner.web.pages.timeline.LISTED", 2)
    workflow(queue)
    page = client.get("/timeline?view=table").text
    assert "The newest 2 attempts" in page


def test_without_attempts_the_list_says_so(queue, client):
    assert isinstance(store_of(queue), Store)
    assert "Nothing ran then" in client.get("/timeline?view=table").text
