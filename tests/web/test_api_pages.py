"""Lists over REST: filters, pages that lead on, ETags, and acts on all that match."""

import re

import pytest

from jobrunner import NewTask
from jobrunner.testing import drain

TASKS = "/api/v1/tasks"


@pytest.fixture
def many(queue):
    """Tasks 1 to 12, every third in the queue `images`; 11 and 12 fail in their own way."""

    @queue.task
    def work(number):
        if number > 10:
            raise ValueError(f"no {number} in /tmp/{number}")
        return number

    places = ["images", "default", "default"]
    queue.enqueue_many(
        NewTask(
            function="work", args=[n], queue=places[n % 3], description=f"100%_{n}", max_attempts=1
        )
        for n in range(1, 13)
    )


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()]


def following(client, answer):
    """The page that the `Link` header leads to."""
    link = answer.headers.get("link")
    return client.get(re.fullmatch(r'<(.+)>; rel="next"', link)[1]) if link else None


def test_pages_lead_on_until_nothing_is_left_and_keep_the_filters(client, many):
    found, pages = [], 0
    answer = client.get(TASKS, params={"queue": "default", "text": "100%_", "limit": 3})
    while answer is not None:
        found += ids(answer)
        pages += 1
        answer = following(client, answer)
    assert found == [11, 10, 8, 7, 5, 4, 2, 1]
    assert pages == 3


def test_a_page_neither_skips_nor_repeats_what_comes_in_meanwhile(queue, client, many):
    first = client.get(TASKS, params={"limit": 5})
    queue.enqueue(NewTask(function="work", args=[0]))
    assert ids(following(client, first)) == [7, 6, 5, 4, 3]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"status": "failed"}, [12, 11]),
        ({"status": "pending"}, []),
        ({"error": "no 12"}, [12]),
        ({"error": "no%"}, []),
        ({"text": "100%_1"}, [12, 11, 10, 1]),
        ({"function": "work", "limit": 1}, [12]),
        ({"queue": "images", "before": 7}, [6, 3]),
        ({"created_since": "2030-01-01T00:00:00Z"}, []),
        ({"created_until": "2030-01-01T00:00:00Z", "limit": 2}, [12, 11]),
        ({"worker_id": "nobody"}, []),
        ({"batch_id": 1}, []),
    ],
)
def test_tasks_are_found_by_what_they_have_in_common(queue, client, many, params, found):
    drain(queue, raise_errors=False)
    assert ids(client.get(TASKS, params=params)) == found


@pytest.mark.parametrize(
    "path",
    ["tasks", "tasks/1", "tasks/1/attempts", "queues", "workers", "schedules", "openapi.json"],
)
def test_who_has_it_already_gets_nothing_but_304(queue, client, many, path):
    first = client.get(f"/api/v1/{path}")
    known = {"If-None-Match": first.headers["etag"]}
    again = client.get(f"/api/v1/{path}", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    weak = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
    assert client.get(f"/api/v1/{path}", headers=weak).status_code == 304
    assert client.get(f"/api/v1/{path}", headers={"If-None-Match": '"other"'}).status_code == 200


def test_what_has_changed_has_another_etag(queue, client, many):
    known = {"If-None-Match": client.get(f"{TASKS}/1").headers["etag"]}
    queue.cancel(1)
    answer = client.get(f"{TASKS}/1", headers=known)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


def bulk(client, act, **body):
    return client.post(f"{TASKS}/actions/{act}", json=body)


def test_a_dry_run_counts_and_changes_nothing(queue, client, many):
    drain(queue, raise_errors=False)
    told = bulk(client, "retry", status="failed", dry_run=True).json()
    assert told == {"matched": 2, "done": 0, "refused": 0, "first_refused": [], "dry_run": True}
    assert queue.counts()["failed"] == 2
    told = bulk(client, "retry", status="failed").json()
    assert (told["matched"], told["done"], told["dry_run"]) == (2, 2, False)
    assert queue.counts()["pending"] == 2


def test_ids_are_acted_on_and_what_cannot_be_is_told(queue, client, many):
    told = bulk(client, "cancel", ids=[1, 2, 99]).json()
    assert (told["matched"], told["done"], told["refused"]) == (3, 2, 1)
    assert [one["id"] for one in told["first_refused"]] == [99]
    assert bulk(client, "delete", ids=[1]).json()["done"] == 1
    assert client.get(f"{TASKS}/1").status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"dry_run": True}, {"ids": [1], "queue": "images"}, {"status": "completed"}]
)
def test_nothing_is_acted_on_by_mistake(queue, client, many, body):
    assert bulk(client, "cancel", **body).status_code == 422
    assert queue.counts()["pending"] == 12
    assert bulk(client, "burn", all=True).status_code == 422


def test_all_is_asked_for_on_purpose(queue, client, many):
    assert bulk(client, "cancel", all=True).json()["done"] == 12
    assert bulk(client, "delete", older_than="2030-01-01T00:00:00Z").json()["done"] == 12
