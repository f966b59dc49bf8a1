"""Errors as answers: problem details for programs, pages for people."""

import pytest

from jobrunner.core.errors import DatabaseError, JobrunnerError
from jobrunner.core.web_errors import TooManyStreamsError
from jobrunner.web.problems import status_of
from tests.databases import on_a_file
from tests.web.trying import add_routes

pytestmark = on_a_file

PERSON = {"Accept": "text/html,*/*"}


@pytest.fixture
def client(make_client):
    client = make_client(raises=False)
    add_routes(client.app)
    return client


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("DELETE", "/api/v1/try/read", 405),
        ("POST", "/api/v1/try/cancel/x", 422),
        ("POST", "/api/v1/try/cancel/99", 404),
        ("GET", "/api/v1/try/fail", 500),
    ],
)
def test_a_program_gets_problem_details(client, method, path, status):
    answer = client.request(method, path, headers=PERSON)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert {"type", "title", "detail", "hint"} <= told.keys()


def test_a_person_gets_a_page(client):
    answer = client.get("/<b>nothing", headers=PERSON)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>Not Found</h1>" in answer.text
    assert "<b>" not in answer.text


def test_a_fault_of_ours_tells_nothing(client):
    answer = client.get("/api/v1/try/fail")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_what_was_sent_is_not_repeated(client):
    answer = client.post("/api/v1/try/json", json=["hunter2"])
    assert answer.status_code == 422
    assert "hunter2" not in answer.text
    assert answer.json()["errors"][0]["at"] == "body"


def test_a_method_that_is_not_allowed_names_those_that_are(client):
    assert client.delete("/api/v1/try/read").headers["allow"] == "GET"


def every(kind):
    yield kind
    for below in kind.__subclasses__():
        yield from every(below)


def test_only_the_database_and_too_many_streams_are_a_fault_of_the_server(location):
    for kind in every(JobrunnerError):
        is_fault = issubclass(kind, DatabaseError | TooManyStreamsError)
        assert (status_of(kind) >= 500) == is_fault, kind
