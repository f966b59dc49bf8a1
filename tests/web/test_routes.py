"""No route without the one dependency that asks who it is."""

from fastapi.routing import APIRoute

from jobrunner.core.role import Role
from jobrunner.web.csrf import SAFE_METHODS
from tests.web.routes import leaves, needed

OPEN = {
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/logout"),
}
"""What anybody may ask; and the files under /static, which are the same for all."""


def test_every_route_asks_who_it_is(client):
    found = list(leaves(client.app.routes))
    paths = {route.path for route in found}
    assert {"/livez", "/metrics", "/login", "/api/v1/openapi.json"} <= paths
    for route in found:
        if not isinstance(route, APIRoute):
            assert route.path.startswith("/static/"), route
            continue
        asked = {(method, route.path) for method in route.methods}
        assert needed(route) or asked <= OPEN, asked


def test_nothing_is_changed_by_a_route_that_readers_may_use(client):
    for route in leaves(client.app.routes):
        if not isinstance(route, APIRoute) or route.path in {"/login", "/logout"}:
            continue
        if not set(route.methods) <= SAFE_METHODS:
            roles = [one.role for one in needed(route)]
            assert any(not Role.READ.allows(role) for role in roles), route.path


def test_the_framework_adds_no_page_of_its_own(client):
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == 404
