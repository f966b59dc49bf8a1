"""A NUL in a field or an address: a server's database cannot even be asked for it."""

import pytest

from jobrunner import NewTask
from jobrunner.core.role import Role

FORMS = (
    ("/schedules", {"act": "run", "name": "\x00"}),
    ("/schedules", {"act": "remove", "name": "a\x00b"}),
    ("/schedules/new", {"name": "\x00", "rule": "@daily", "function": "work"}),
    ("/schedules/new", {"name": "a", "rule": "\x00", "tz": "\x00", "function": "\x00"}),
    ("/queues", {"act": "pause", "name": "\x00"}),
    ("/queues", {"act": "limit", "name": "\x00", "concurrency": "1"}),
    ("/keys", {"name": "\x00", "concurrency": "1"}),
    ("/workers", {"act": "pause", "who": "\x00"}),
    ("/workers", {"act": "pause", "who": "\x00", "crew": "1"}),
    ("/tasks/new", {"function": "\x00", "key": "\x00"}),
    ("/tasks/new", {"function": "work", "key": "\x00"}),
    ("/tasks/new", {"function": "work", "queue": "\x00", "description": "\x00"}),
    ("/tasks/new", {"function": "work", "unique": "\x00", "concurrency_key": "\x00"}),
    ("/tasks/new", {"function": "work", "kwargs": '{"a": "\\u0000"}'}),
    ("/tasks/new", {"function": "work", "args": '["\\ud800"]'}),
    ("/tasks/many", {"act": "retry all", "queue": "\x00", "confirmed": "1"}),
    ("/tasks/many", {"act": "retry all", "error": "\x00", "confirmed": "1"}),
    ("/tasks/1/change", {"description": "\x00", "kwargs": '{"a": "\\ud800"}'}),
    ("/tasks/1/change", {"queue": "\x00"}),
    ("/tasks/1/change", {"kwargs": '{"a": "\\u0000"}'}),
)

PLACES = (
    "/schedules/%00",
    "/schedules/?name=%00",
    "/queues/%00",
    "/queues/?name=%00",
    "/queues?key=%00",
    "/workers?resize=%00&crew=%00",
    "/tasks?text=%00",
    "/tasks?worker=%00",
    "/api/v1/schedules/%00",
    "/api/v1/queues/%00",
    "/api/v1/tasks?error=%00",
)


@pytest.fixture
def sender(make_client, queue, tokens):
    queue.enqueue(NewTask(function="work"))
    return make_client(token=tokens[Role.OPERATE], raises=False)


@pytest.mark.parametrize(("path", "fields"), FORMS)
def test_a_form_with_one_is_no_error_of_the_server(sender, path, fields):
    assert sender.post(path, data=fields).status_code < 500


@pytest.mark.parametrize("path", PLACES)
def test_an_address_with_one_is_no_error_of_the_server(sender, path):
    assert sender.get(path).status_code < 500
