"""A queue that is served: by a real server on a free port, and in this process for speed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from jobrunner import TaskQueue
from jobrunner.client import Client
from jobrunner.core.role import Role
from jobrunner.web.app import create_app
from jobrunner.web.options import ServeOptions
from jobrunner.web.server import serving
from tests.web.browser import browser, page, visitor

__all__ = ["browser", "page", "visitor"]

PORT = 8750
PATIENCE = 30.0
NAMED = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def queue(location) -> Iterator[TaskQueue]:
    """A queue that must be sound at the test's end."""
    queue = TaskQueue(location, emit=lambda _event: None)
    yield queue
    queue.store.read_only = False
    assert queue.check() == []
    queue.close()


@pytest.fixture
def make_client(queue) -> Iterator[Callable[..., TestClient]]:
    """Clients of an app in this process; `token` is sent with every request."""
    with ExitStack() as clients:

        def make(*, token: str | None = None, raises: bool = True, **options: Any) -> TestClient:
            app = create_app(queue, ServeOptions(port=PORT, **options))
            client = TestClient(
                app, base_url=NAMED, raise_server_exceptions=raises, follow_redirects=False
            )
            if token is not None:
                client.headers["Authorization"] = f"Bearer {token}"
            return clients.enter_context(client)

        yield make


@pytest.fixture
def client(make_client) -> TestClient:
    """The app as it is without options."""
    return make_client()


@pytest.fixture
def tokens(queue) -> dict[Role, str]:
    """A token of each role, called as the role."""
    return {role: queue.tokens.add(role.value, role) for role in Role}


@dataclass(frozen=True)
class Served:
    """A queue on a real port."""

    queue: TaskQueue
    url: str
    client: httpx2.Client


@pytest.fixture
def serve(queue) -> Iterator[Callable[..., Served]]:
    """Start servers; all are ended with the test."""
    with ExitStack() as servers:

        def start(**options: Any) -> Served:
            wanted = replace(ServeOptions(port=0), **options)
            server = servers.enter_context(serving(queue, wanted))
            url = server.options.url
            client = servers.enter_context(httpx2.Client(base_url=url, timeout=PATIENCE))
            return Served(queue, url, client)

        yield start


@pytest.fixture
def served(serve) -> Served:
    """A server without options."""
    return serve()


@pytest.fixture
def remote(serve) -> Iterator[Client]:
    """The client of a server that takes commands."""
    with Client(serve(allow_commands=True).url) as client:
        yield client


@pytest.fixture(params=["queue", "remote"])
def either(request, queue) -> TaskQueue | Client:
    """The queue, or the client of a server of it: they do the same."""
    found: TaskQueue | Client = request.getfixturevalue(request.param)
    return found
