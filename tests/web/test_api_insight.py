"""What pages draw, over REST: series, timelines, graphs, groups of failures; the audit log."""

import pytest

from jobrunner import NewTask
from jobrunner.core.role import Role
from jobrunner.testing import drain

API = "/api/v1"


@pytest.fixture
def ran(queue):
    """A diamond of four tasks that completed, and two failures that say the same."""

    @queue.task
    def work(*_values):
        return 1

    @queue.task(max_attempts=1)
    def fail(number):
        raise ValueError(f"no {number}")

    top = work.bind()
    sides = [work.bind(top), work.bind(top)]
    queue.enqueue_many([top, *sides, work.bind(*sides), fail.bind(1), fail.bind(2)])
    drain(queue, raise_errors=False)


def test_the_series_counts_what_ended(client, ran):
    told = client.get(f"{API}/series", params={"buckets": 10}).json()
    assert sum(one["completed"] for one in told["buckets"]) == 4
    assert sum(one["failed"] for one in told["buckets"]) == 2
    assert len(told["buckets"]) <= 11  # at most so many, and one more
    assert told["is_cut"] is False


def test_the_timeline_has_a_lane_for_each_slot(client, ran):
    told = client.get(f"{API}/timeline").json()
    bars = [bar for lane in told["lanes"] for bar in lane["bars"]]
    assert sorted(bar["task_id"] for bar in bars) == [1, 2, 3, 4, 5, 6]
    assert told["since"] < told["until"]
    assert len(client.get(f"{API}/timeline", params={"limit": 2}).json()["lanes"][0]["bars"]) == 2


@pytest.mark.parametrize("path", ["series", "timeline"])
@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        (None, "0001-01-01T00:10:00Z"),
        ("9999-12-31T23:59:59Z", None),
        ("0001-01-01T00:00:00+10:00", None),
        ("yesterday", None),
        ("2026-01-01T00:00:00", None),
    ],
)
def test_a_range_that_is_none_or_too_long_is_refused(client, path, since, until):
    params = {name: at for name, at in (("since", since), ("until", until)) if at}
    assert client.get(f"{API}/{path}", params=params).status_code == 422


def test_the_graph_has_both_directions_and_the_critical_path(client, ran):
    told = client.get(f"{API}/graph/2").json()
    assert sorted(node["id"] for node in told["nodes"]) == [1, 2, 3, 4]
    assert {(edge["parent"], edge["dependent"]) for edge in told["edges"]} == {
        (1, 2),
        (1, 3),
        (2, 4),
        (3, 4),
    }
    assert told["is_cut"] is False
    assert set(told["critical"]) <= {1, 2, 3, 4}
    assert client.get(f"{API}/graph/2", params={"limit": 2}).json()["is_cut"] is True
    assert client.get(f"{API}/graph/99").status_code == 404


def test_a_batch_has_a_graph(queue, client):
    batch = queue.batches.enqueue([NewTask(function="f")], on_end=NewTask(function="g"))
    told = client.get(f"{API}/batches/{batch.id}/graph").json()
    assert len(told["nodes"]) == 2
    assert client.get(f"{API}/batches/99/graph").status_code == 404


def test_a_group_of_failures_is_retried_by_its_ids(queue, client, ran):
    (group,) = client.get(f"{API}/failures").json()
    assert (group["count"], group["ids"], group["function"]) == (2, [6, 5], "fail")
    answer = client.post(f"{API}/tasks/actions/retry", json={"ids": group["ids"]})
    assert answer.json()["done"] == 2


def test_what_was_done_is_told_to_operators_only(queue, client, make_client, tokens):
    operator = make_client(token=tokens[Role.OPERATE])
    for _ in range(3):
        operator.post(f"{API}/queues/images/pause")
    answer = operator.get(f"{API}/audit", params={"limit": 2})
    first = answer.json()[0]
    assert (first["actor"], first["action"], first["target"]) == (
        "operate",
        "pause queue",
        "images",
    )
    before = answer.json()[-1]["id"]
    assert answer.headers["link"].endswith(f'before={before}>; rel="next"')
    assert make_client(token=tokens[Role.SUBMIT]).get(f"{API}/audit").status_code == 403
    assert client.get(f"{API}/audit").status_code == 401


def test_the_time_ahead_is_told_with_its_basis(queue, client, ran):
    waiting = queue.enqueue(NewTask(function="work"))
    left = client.get(f"{API}/tasks/{waiting.id}/estimate").json()
    assert left == client.get(f"{API}/estimate/run", params={"name": "work"}).json()
    assert (left["likely_s"], left["runs"]) == (None, 4)
    assert left["basis"] == "4 runs of work are recorded, it takes 5"
    drain(queue)
    waiting = queue.enqueue(NewTask(function="work"))
    assert client.get(f"{API}/tasks/{waiting.id}/estimate").json()["likely_s"] >= 0
    for params in ({"workers": 2}, {"task": waiting.id, "workers": 2}):
        told = client.get(f"{API}/estimate", params=params).json()
        assert (told["tasks"], told["workers"], told["left"]["runs"]) == (1, 2, 5)
    assert client.get(f"{API}/estimate", params={"task": 99}).status_code == 404
    assert client.get(f"{API}/estimate", params={"batch": 99}).status_code == 404
    assert client.get(f"{API}/estimate", params={"task": 1, "batch": 1}).status_code == 422
    assert client.get(f"{API}/estimate", params={"workers": 0}).status_code == 422
    assert client.get(f"{API}/estimate/run").status_code == 422


def test_a_secret_in_a_name_is_masked_in_an_estimate(queue, client):
    command = NewTask(command=["true"], description="password=hunter22")
    task = queue.enqueue(command)
    for path in (f"tasks/{task.id}/estimate", "estimate?workers=1"):
        text = client.get(f"{API}/{path}").text
        assert "hunter22" not in text
        assert "are recorded" in text
