"""A real server on a real port: what only the wire shows."""

import socket

import pytest

from jobrunner import NewTask
from jobrunner.web.limits import LARGEST_BODY
from tests.web.conftest import PATIENCE
from tests.web.populated import populate


def said(served, request):
    """What is answered to these bytes, up to the end of the headers."""
    host, port = served.url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            some = connection.recv(65_536)
            if not some:
                break
            answer += some
    return answer.decode()


def test_it_serves_its_queue(served):
    served.queue.enqueue(NewTask(function="work"))
    assert 'jobrunner_tasks{status="pending"} 1.0' in served.client.get("/metrics").text
    assert served.client.get("/readyz").text == "ok"


def test_an_answer_does_not_tell_what_serves_it(served):
    assert "server" not in served.client.get("/livez").headers


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"),
        (b"GET /metrics HTTP/1.0\r\n\r\n", "421"),
        (b"GET /metrics HTTP/1.1\r\n\r\n", "400"),
        (b"GET http://evil.example/metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"),
        (b"POST /login HTTP/1.1\r\nHost: @\r\nContent-Length: -1\r\n\r\n", "400"),
        (b"\x00\x01\x02\r\n\r\n", "400"),
    ],
)
def test_what_is_wrong_is_refused(served, request_, status):
    assert said(served, request_).split()[1] == status


def test_two_names_are_none(served):
    name = served.url.removeprefix("http://").rstrip("/").encode()
    request = b"GET /metrics HTTP/1.1\r\nHost: %s\r\nHost: evil.example\r\n\r\n" % name
    assert said(served, request).split()[1] in {"400", "421"}


def test_a_body_in_chunks_ends_at_the_limit(served):
    sent = 0

    def chunks():
        nonlocal sent
        for _ in range(64):
            sent += 262_144
            yield b"x" * 262_144

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = served.client.post("/login", content=chunks(), headers=kind)
    assert answer.status_code in {400, 413}  # a form has limits of its own
    assert sent > LARGEST_BODY


def test_one_of_two_servers_may_only_show(serve):
    serve(read_only=False)
    showing = serve(read_only=True)
    assert showing.client.get("/metrics").status_code == 200


def test_what_was_seen_before_anybody_came_is_not_shown(queue, client):
    client.app.state.glance.warm_up()
    populate(queue)
    assert "no such file" in client.get("/").text
