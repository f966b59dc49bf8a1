"""What the client asks of a server, how often, and what it makes of the answers."""

import subprocess
import sys

import httpx2
import pytest

from jobrunner import NewTask, Status
from jobrunner.client import Client, connection
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.role import Role
from jobrunner.core.web_errors import (
    AnswerLostError,
    ForbiddenError,
    ReadOnlyError,
    RoleError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnexpectedAnswerError,
    UnreachableError,
)
from tests.databases import on_a_file
from tests.web.cutting import proxy


def add(**fields):
    return NewTask(**({"function": "add", "args": [1, 2]} | fields))


@pytest.fixture
def answering(monkeypatch):
    """A client whose requests a function answers; it notes them."""
    monkeypatch.setattr(connection, "PAUSES", (0.01, 0.01))
    asked = []

    def make(*answers):
        found = iter(answers)

        def answer(request):
            asked.append(request)
            told = next(found)
            if isinstance(told, Exception):
                raise told
            return told

        client = Client("http://127.0.0.1:1")
        client.connection.http.close()
        transport = httpx2.MockTransport(answer)
        client.connection.http = httpx2.Client(base_url="http://h/api/v1/", transport=transport)
        return client, asked

    return make


def test_a_server_that_is_not_there_is_told_with_a_next_step(monkeypatch):
    monkeypatch.setattr(connection, "PAUSES", (0.01, 0.01))
    with proxy() as gone:
        port = gone.port
    with Client(f"http://127.0.0.1:{port}") as client:
        for call in (client.counts, lambda: client.enqueue(add()), lambda: client.cancel(1)):
            with pytest.raises(UnreachableError, match=f"no server answers at .*:{port}") as raised:
                call()
            assert "jobrunner serve" in raised.value.hint


@pytest.mark.parametrize("url", ["", "localhost:8750", "ftp://h", "http://", "http://h:x", "\0"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ConfigurationError, match="no address"):
        Client(url)


def test_an_attempt_has_the_key_of_its_call(answering):
    lost = httpx2.ReadError("cut")
    refused = httpx2.ConnectError("refused")
    told = {"ids": [1], "by_ref": {}}
    client, asked = answering(lost, refused, httpx2.Response(201, json=told))
    assert client.enqueue_ids([add()]) == [1]
    first = {request.headers["idempotency-key"] for request in asked}
    assert len(first) == 1
    client, asked = answering(httpx2.Response(201, json=told))
    client.enqueue_ids([add()])
    assert asked[-1].headers["idempotency-key"] not in first


def test_attempts_have_an_end(answering):
    client, asked = answering(*[httpx2.ReadError("cut")] * 9)
    with pytest.raises(AnswerLostError):
        client.enqueue(add())
    assert len(asked) == 3


def test_who_asks_too_often_is_asked_to_wait(answering):
    problem = {
        "type": "urn:jobrunner:too-many-requests",
        "detail": "too many",
        "seconds": 0.1,
    }
    kind = {"content-type": "application/problem+json"}
    now = httpx2.Response(429, json=problem, headers=kind | {"retry-after": "1"})
    long = httpx2.Response(429, json=problem, headers=kind | {"retry-after": "60"})
    client, asked = answering(now, httpx2.Response(200, json={"id": 1, "status": "cancelled"}))
    assert client.cancel(1) is Status.CANCELLED
    client, asked = answering(long)
    with pytest.raises(TooManyRequestsError) as raised:
        client.cancel(1)
    assert raised.value.seconds == 0.1
    assert len(asked) == 3


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200, text="<h1>Hello</h1>"),
        httpx2.Response(200, json={"name": "somebody else"}),
        httpx2.Response(200, json=[1]),
        httpx2.Response(404, text="nothing here"),
        httpx2.Response(302, headers={"location": "http://elsewhere"}),
        httpx2.Response(500, json={"type": "about:blank"}),
    ],
)
def test_a_server_of_somebody_else_is_told(answering, answer):
    client, _ = answering(answer)
    with pytest.raises(UnexpectedAnswerError) as raised:
        client.get(1)
    assert raised.value.status == answer.status_code
    assert raised.value.hint


@on_a_file
def test_a_token_allows_what_its_role_does(serve, tokens):
    url = serve().url
    with Client(url) as client, pytest.raises(UnauthenticatedError):
        client.counts()
    with Client(url, token="wrong") as client, pytest.raises(UnauthenticatedError):  # noqa: S106
        client.enqueue(add())
    with Client(url, token=tokens[Role.READ]) as client:
        assert client.counts()[Status.PENDING] == 0
        assert next(client.events()).counts[Status.PENDING] == 0
        with pytest.raises(RoleError):
            client.enqueue(add())
    with Client(url, token=tokens[Role.SUBMIT]) as client:
        task = client.enqueue(add())
        with pytest.raises(RoleError):
            client.cancel(task.id)
    with Client(url, token=tokens[Role.OPERATE]) as client:
        assert client.cancel(task.id) is Status.CANCELLED


@on_a_file
def test_what_a_server_does_not_allow_is_told(serve, queue):
    with Client(serve().url) as client, pytest.raises(ForbiddenError) as raised:
        client.enqueue_command(["true"])
    assert "--allow-commands" in raised.value.hint
    with Client(serve(read_only=True).url) as client, pytest.raises(ReadOnlyError):
        client.enqueue(add())


def test_it_needs_neither_sqlalchemy_nor_a_server():
    program = (
        "import sys\n"
        "for name in ('sqlalchemy', 'alembic', 'fastapi', 'typer'): sys.modules[name] = None\n"
        "from jobrunner import NewTask\n"
        "from jobrunner.client import Client\n"
        "with Client('http://127.0.0.1:8750') as client: NewTask(function='work')\n"
        "print([name for name in sys.modules if name.startswith('jobrunner.storage')])\n"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    assert subprocess.check_output(command, text=True) == "[]\n"
