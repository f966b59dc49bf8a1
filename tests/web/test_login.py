"""Logging in: the token goes where no script reads it, and leads nowhere else."""

import pytest

from jobrunner.core.role import Role
from jobrunner.web.limits import LOGINS_AT_ONCE
from tests.databases import on_a_file
from tests.web.trying import add_routes

pytestmark = on_a_file


@pytest.fixture
def client(make_client, tokens):
    client = make_client()
    add_routes(client.app)
    return client


def test_a_person_logs_in_and_out(client, tokens):
    sent_away = client.get("/try?a=b", headers={"Accept": "text/html"})
    assert sent_away.status_code == 303
    assert sent_away.headers["location"] == "/login?next=%2Ftry%3Fa%3Db"
    form = client.get(sent_away.headers["location"])
    assert 'value="/try?a=b"' in form.text
    assert form.headers["cache-control"] == "no-store"
    data = {"token": f" {tokens[Role.READ]} ", "next": "/try?a=b"}
    answer = client.post("/login", data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, "/try?a=b")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert client.get("/try").status_code == 200
    assert client.post("/logout").status_code == 303
    assert client.get("/try").status_code == 401


def test_a_wrong_token_is_told_and_not_repeated(client):
    answer = client.post("/login", data={"token": "<script>wrong"})
    assert answer.status_code == 401
    assert "There is no such token." in answer.text
    assert "wrong" not in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "place",
    ["//evil.example", "/\\evil.example", "http://evil.example", "evil", "", "/a\nb", "\t//evil"],
)
def test_it_leads_to_no_other_server(client, tokens, place):
    data = {"token": tokens[Role.READ], "next": place}
    assert client.post("/login", data=data).headers["location"] == "/"
    assert 'name="next" value="/"' in client.get("/login", params={"next": place}).text


def test_the_cookie_is_for_tls_where_there_is_tls(client, tokens):
    url = "https://127.0.0.1:8750/login"
    answer = client.post(url, data={"token": tokens[Role.READ]})
    assert "Secure" in answer.headers["set-cookie"]


def test_nobody_tries_many(client):
    for _ in range(int(LOGINS_AT_ONCE)):
        assert client.post("/login", data={"token": "x"}).status_code == 401
    answer = client.post("/login", data={"token": "x"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("data", [{}, {"token": ""}, {"token": "\ud7ff" * 10}, {"next": "/"}])
def test_a_form_without_a_token_is_refused(client, data):
    assert client.post("/login", data=data).status_code in {401, 422}
