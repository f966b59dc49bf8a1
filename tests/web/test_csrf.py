"""A request that a browser was made to send is told from one of our own pages."""

import pytest

from jobrunner.core.role import Role
from tests.databases import on_a_file
from tests.web.trying import add_routes

pytestmark = on_a_file

OURS = {"Origin": "http://127.0.0.1:8750", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def client(make_client):
    client = make_client()
    add_routes(client.app)
    return client


@pytest.fixture
def word(client):
    return client.get("/try").json()


def test_a_form_proves_that_it_is_ours(client, word):
    assert client.post("/try", data={"csrf_token": word}, headers=OURS).json() == "anonymous"
    assert client.post("/try", headers=OURS | {"X-CSRF-Token": word}).json() == "anonymous"
    for wrong in ("", "x", word[:-1], word + "x", "☃"):
        answer = client.post("/try", data={"csrf_token": wrong}, headers=OURS)
        assert answer.status_code == 403
    files = {"csrf_token": ("name", b"x")}
    assert client.post("/try", files=files, headers=OURS).status_code == 403
    assert client.post("/try").status_code == 403


@pytest.mark.parametrize("headers", [OURS, {"Sec-Fetch-Site": "none"}, {"Cookie": "a=b"}])
def test_a_browser_that_calls_the_api_must_prove_it_too(client, word, headers):
    path = "/api/v1/try/operate"
    assert client.post(path, headers=headers).status_code == 403
    assert client.post(path, headers=headers | {"X-CSRF-Token": word}).status_code == 200


def test_a_program_need_not(client, tokens):
    sent = {"Authorization": f"Bearer {tokens[Role.OPERATE]}"}
    assert client.post("/api/v1/try/operate", headers=sent).status_code == 200
    assert client.post("/try", headers=sent).status_code == 200


@pytest.mark.parametrize("said", ["", "Basic eDp5", "Bearer", "Bearer "])
def test_a_header_that_holds_no_token_proves_nothing(client, said):
    """A browser sends what it was once asked for, `Basic`, by itself."""
    sent = OURS | {"Authorization": said}
    assert client.post("/api/v1/try/operate", headers=sent).status_code == 403
    assert client.post("/try", headers=sent).status_code == 403


def test_each_identity_has_a_word_of_its_own(client, tokens):
    words = set()
    for role in Role:
        client.cookies.set("jobrunner_token", tokens[role])
        words.add(client.get("/try").json())
    assert len(words) == len(Role)
    sent = [client.post("/try", data={"csrf_token": word}, headers=OURS) for word in words]
    assert sorted(answer.status_code for answer in sent) == [200, 403, 403]
