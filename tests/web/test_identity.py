"""Who asks: tokens, roles, and nobody by mistake."""

import ast
import inspect
import textwrap

import pytest

from jobrunner.core.role import Role
from jobrunner.tokens import BYTES, Tokens
from tests.web.trying import add_routes

ROUTES = {
    Role.READ: ("GET", "/api/v1/try/read"),
    Role.SUBMIT: ("POST", "/api/v1/try/submit"),
    Role.OPERATE: ("POST", "/api/v1/try/operate"),
}


@pytest.fixture
def client(make_client):
    client = make_client()
    add_routes(client.app)
    return client


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("needed", Role)
def test_a_role_may_what_is_its_own_and_below(client, tokens, role, needed):
    method, path = ROUTES[needed]
    answer = client.request(method, path, headers=bearer(tokens[role]))
    may = list(Role).index(role) >= list(Role).index(needed)
    assert answer.status_code == (200 if may else 403)
    assert answer.json() == role.value if may else answer.json()["type"] == "urn:jobrunner:role"


def test_without_any_token_this_machine_may_all(client):
    for method, path in ROUTES.values():
        assert client.request(method, path).json() == "anonymous"


def test_from_the_first_token_on_everybody_needs_one(client, queue):
    queue.tokens.add("first")
    for method, path in ROUTES.values():
        answer = client.request(method, path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    queue.tokens.remove("first")
    assert client.get("/api/v1/try/read").status_code == 200


@pytest.mark.parametrize("options", [{"host": "0.0.0.0"}, {"hosts": ("jobs.lan:80",)}])  # noqa: S104
def test_a_server_that_others_reach_lets_nobody_in_without_a_token(make_client, options):
    client = make_client(**options)
    add_routes(client.app)
    assert client.get("/api/v1/try/read").status_code == 401


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Basic {}", "Bearer {}x", "Bearer x{}", "{}", "Bearer " + "x" * 10_000],
)
def test_what_is_not_a_token_is_nobody(client, tokens, header):
    sent = {"Authorization": header.format(tokens[Role.READ])}
    assert client.get("/api/v1/try/read", headers=sent).status_code == 401


def test_a_part_of_a_secret_is_nobody(client, tokens):
    secret = tokens[Role.READ]
    for wrong in (secret[:-1], secret[1:], secret.swapcase(), secret + secret):
        assert client.get("/api/v1/try/read", headers=bearer(wrong)).status_code == 401


def test_a_token_in_the_url_is_nobody(client, tokens):
    secret = tokens[Role.READ]
    assert client.get(f"/api/v1/try/read?token={secret}&access_token={secret}").status_code == 401


def test_a_wrong_header_is_not_mended_by_a_cookie(client, tokens):
    client.cookies.set("jobrunner_token", tokens[Role.READ])
    assert client.get("/api/v1/try/read").status_code == 200
    for said in (bearer("x"), {"Authorization": ""}, {"Authorization": "Basic eDp5"}):
        assert client.get("/api/v1/try/read", headers=said).status_code == 401


def test_a_removed_token_is_worth_nothing_from_the_next_request_on(client, queue, tokens):
    sent = bearer(tokens[Role.READ])
    assert client.get("/api/v1/try/read", headers=sent).status_code == 200
    queue.tokens.remove("read")
    assert client.get("/api/v1/try/read", headers=sent).status_code == 401


def test_a_secret_has_256_bits_and_is_stored_nowhere(queue):
    secret = queue.tokens.add("ci", Role.SUBMIT)
    assert BYTES == 32
    assert len(secret) == 43
    with queue.transaction() as connection:
        stored = connection.exec_driver_sql("SELECT * FROM tokens").all()
    assert secret not in repr(stored)
    assert secret != queue.tokens.add("other")


def test_a_secret_is_compared_with_every_token_in_constant_time(queue, tokens, monkeypatch):
    """By its structure: digests only, by `compare_digest`, and the loop has no way out."""
    compared = []

    def note(one, other):
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("jobrunner.tokens.hmac.compare_digest", note)
    for secret in (*tokens.values(), "wrong", "", None):
        compared.clear()
        queue.tokens.look(secret)
        assert len(compared) == len(tokens)
        assert all(len(one) == len(other) == 64 for one, other in compared)
    tree = ast.parse(textwrap.dedent(inspect.getsource(Tokens.look)))
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For)]
    assert len(loops) == 1
    assert not [
        node for node in ast.walk(loops[0]) if isinstance(node, ast.Break | ast.Return | ast.Raise)
    ]
