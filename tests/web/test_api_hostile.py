"""Bad requests are told so: never an error of the server, and nothing is stored."""

import json
import threading

import pytest

from jobrunner.core.role import Role
from jobrunner.web.api import reading

TASKS = "/api/v1/tasks"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def send(queue, client):
    """Send bytes to be refused."""

    def sending(body, path=TASKS, method="POST", **headers):
        answer = client.request(method, path, content=body, headers=JSON | headers)
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        told = answer.json()
        assert told["status"] == answer.status_code
        assert {"type", "title", "detail", "hint"} <= told.keys()
        assert sum(queue.counts().values()) == 0
        return answer.status_code

    return sending


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff",
        b'\xef\xbb\xbf{"function": "f"}',
        '{"function": "f"}'.encode("utf-16"),
        b'{"function": "f", "kwargs": {"x": NaN}}',
        b'{"function": "f", "kwargs": {"x": -Infinity}}',
        b'{"function": "f", "kwargs": {"x": 1e999}}',
        b'{"function": "f", "delay": 1e999}',
        b'{"function": "f", "function": "g"}',
        b'{"function": "f", "kwargs": {"a": 1, "a": 2}}',
        b'{"function": "f", "args": [' + b"9" * 5_000 + b"]}",
        b'{"function": "f", "priority": ' + b"9" * 5_000 + b"}",
        b'{"function": "f", "args": [' + b"[" * 1_000 + b"]" * 1_000 + b"]}",
        b'{"function": "f", "args": [' + b"[" * 100_000,
        b'{"function": "f", "args": ["\\u0000"]}',
        b'{"function": "f", "args": ["\\ud800"]}',
        b'{"function": "\\ud800"}',
        b'{"function": "f", "kwargs": {"\\udfff": 1}}',
        b'{"function": "f", "description": "\\u0000"}',
        b'{"function": "f", "\\ud800": 1}',
        b'{"function": "f", "unique": {"key": "k", "max_wait": 1}}',
        b'{"function": "f", "timeout": "5"}',
        b'{"function": "f", "priority": true}',
        b'{"function": "f", "run_at": "0001-01-01T00:00:00+23:00"}',
        b'{"function": "f", "after": [9223372036854775808]}',
        b'{"function": "f", "after": ["ref"]}',
        b'{"function": "f", "args": ["' + b"x" * 1_100_000 + b'"]}',
        b'{"function": "jobrunner.webhook", "queue": "jobrunner.x"}',
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
def test_a_body_that_is_not_right_is_a_bad_request(send, body):
    assert send(body) in {400, 403, 422}


def test_a_huge_body_is_refused_before_it_is_read(send):
    assert send(b" " * (2 * 1024 * 1024 + 1)) == 413


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/merge-patch+json",
        "application/json; charset=utf-16",
        "json",
    ],
)
def test_what_is_not_said_to_be_json_is_not_read(send, kind):
    assert send(b'{"function": "f"}', **{"Content-Type": kind}) == 415


def test_a_body_of_no_type_is_not_read(client):
    answer = client.build_request("POST", TASKS, content=b'{"function": "f"}')
    answer.headers.pop("content-type", None)
    assert client.send(answer).status_code == 415


def test_a_charset_that_says_what_json_is_does_no_harm(client):
    kind = {"Content-Type": 'application/json; charset="UTF-8"'}
    assert client.post(TASKS, content=b'{"function": "f"}', headers=kind).status_code == 201


@pytest.mark.parametrize("number", [0, 2**53, 2**63 - 1, 2**63, "9" * 5_000, "-1", "1.5", "x"])
@pytest.mark.parametrize(
    "path", ["tasks/{}", "tasks/{}/log", "tasks/{}/explain", "batches/{}", "graph/{}"]
)
def test_an_id_that_cannot_be_is_not_found_or_not_right(client, path, number):
    answer = client.get(f"/api/v1/{path.format(number)}")
    assert answer.status_code in {404, 422}


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=" + "9" * 5_000,
        "limit=1e2",
        "limit=%2050",
        "limit=5_0",
        "before=9223372036854775808",
        "before=-1",
        "status=done",
        "queue=%00",
        "text=%00",
        "created_since=0001-01-01T00:00:00%2B23:00",
        "created_until=tomorrow",
        "batch_id=x",
    ],
    ids=lambda query: query[:30],
)
def test_a_query_that_is_not_right_is_told_so(client, query):
    assert client.get(f"{TASKS}?{query}").status_code == 422


@pytest.mark.parametrize("query", ["queue=%FF", "text=%25%5F%5C", "function='%20OR%201=1--"])
def test_odd_text_is_looked_for_and_not_found(client, query):
    answer = client.get(f"{TASKS}?{query}")
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize("name", ["%00", "%FF", "%ED%A0%80", "x" * 501])
def test_a_name_that_cannot_be_is_not_right_or_not_found(client, name):
    assert client.get(f"/api/v1/queues/{name}").status_code in {404, 422}
    assert client.get(f"/api/v1/schedules/{name}").status_code in {404, 422}


@pytest.mark.parametrize("key", ["", "x" * 201, "two words", "\x7f"])
def test_a_key_that_cannot_be_is_refused(send, key):
    body = json.dumps({"function": "f"}).encode()
    assert send(body, **{"Idempotency-Key": key}) == 422


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "tasks", {"GET", "POST"}),
        ("PATCH", "tasks/batch", {"POST"}),
        ("DELETE", "tasks/7", {"GET", "PATCH"}),
        ("GET", "queues/a%2Fb/pause", {"POST"}),
        ("OPTIONS", "schedules/x", {"GET", "DELETE"}),
    ],
)
def test_a_method_that_is_none_is_told_which_there_are(client, method, path, allowed):
    answer = client.request(method, f"/api/v1/{path}")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("path", ["/api/v1/queues/a%2Fb/", "/api/v1/tasks/", "/tasks/", "//tasks/"])
def test_a_path_with_a_slash_too_many_is_not_found(client, path):
    answer = client.get(f"{client.base_url}{path}")
    assert answer.status_code == 404


def test_nothing_is_read_of_whoever_is_not_known(client, tokens):
    """Two megabytes of JSON take seconds to read, and anybody could send them."""
    answer = client.post(TASKS, content=b"{", headers=JSON)
    assert answer.status_code == 401
    sent = JSON | {"Authorization": f"Bearer {tokens[Role.SUBMIT]}"}
    assert client.post(TASKS, content=b"{", headers=sent).status_code == 400


def test_much_is_read_beside_the_event_loop(send, monkeypatch):
    seen = []
    read = reading.read_json

    def noted(raw):
        seen.append(threading.current_thread())
        return read(raw)

    monkeypatch.setattr(reading, "read_json", noted)
    assert send(b'{"x": 1}') == 422
    assert send(b'{"x": [' + b"[]," * 100_000 + b"1]}") == 422
    loop, other = seen
    assert loop is not other
