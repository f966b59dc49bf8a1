"""What no request gets past: another name of the host, another site's page, too large a body."""

import pytest

from jobrunner.web.limits import LARGEST_BODY
from tests.databases import on_a_file
from tests.web.trying import add_routes

pytestmark = on_a_file


@pytest.fixture
def client(make_client):
    client = make_client()
    add_routes(client.app)
    return client


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8750", "127.0.0.1", "127.0.0.1:8751", "127.0.0.1:8750.evil", ""],
)
@pytest.mark.parametrize("path", ["/api/v1/try/read", "/try", "/metrics", "/login", "/nothing"])
def test_a_name_that_was_bound_to_this_address_leads_nowhere(client, host, path):
    """DNS rebinding: a foreign page calls its own name, which now means this machine."""
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["type"] == "urn:jobrunner:unknown-host"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LocalHost"])
def test_this_machine_has_its_names(client, host):
    answer = client.get("/api/v1/try/read", headers={"Host": f"{host}:8750"})
    assert answer.status_code == 200


def test_further_names_are_taken_to_the_letter(make_client):
    client = make_client(hosts=("Jobs.lan:80",))
    assert client.get("/login", headers={"Host": "jobs.lan:80"}).status_code == 200
    assert client.get("/login", headers={"Host": "jobs.lan"}).status_code == 421


def test_who_probes_by_an_address_is_answered(client):
    for path in ("/livez", "/readyz"):
        assert client.get(path, headers={"Host": "10.0.0.7:8750"}).text == "ok"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin, cross-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:8751"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:8750.evil.example"},
        {"Origin": "http://localhost:8750"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"},
    ],
)
@pytest.mark.parametrize("path", ["/try", "/api/v1/try/operate", "/login", "/logout"])
def test_a_form_of_another_site_is_refused(client, headers, path):
    answer = client.post(path, headers=headers, data={"token": "x"})
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:jobrunner:cross-site"


def test_other_sites_may_not_read(client):
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    for answer in (
        client.get("/api/v1/try/read", headers=asked),
        client.options("/api/v1/try/operate", headers=asked),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "path", ["/login", "/livez", "/nothing", "/api/v1/try/read", "/api/v1/try/fail", "/metrics"]
)
@pytest.mark.parametrize("host", ["127.0.0.1:8750", "evil.example"])
def test_every_answer_tells_browsers_to_load_nothing_from_elsewhere(make_client, path, host):
    client = make_client(raises=False)
    add_routes(client.app)
    headers = client.get(path, headers={"Host": host}).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_a_body_is_taken_up_to_its_limit(client):
    assert client.post("/api/v1/try/body", content=b"x" * LARGEST_BODY).json() == LARGEST_BODY
    answer = client.post("/api/v1/try/body", content=b"x" * (LARGEST_BODY + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/api/v1/try/body", "/api/v1/try/json", "/login"])
def test_a_body_that_does_not_say_how_long_it_is_has_the_same_limit(client, path):
    def chunks():
        for _ in range(LARGEST_BODY // 65_536 + 1):
            yield b"[" * 65_536

    kind = "application/json" if "json" in path else "application/x-www-form-urlencoded"
    answer = client.post(path, content=chunks(), headers={"Content-Type": kind})
    assert answer.status_code == 413


def test_nobody_keeps_what_is_shown(client):
    """A proxy, or a browser for whoever uses it next."""
    for path in ("/", "/tasks", "/login", "/overview/figures", "/tasks/1", "/nothing"):
        assert client.get(path).headers["cache-control"] == "no-store", path


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 5_000, "٣", "0x10"])
def test_a_length_that_is_none_is_refused(client, length):
    answer = client.post("/api/v1/try/body", headers={"Content-Length": length.encode()})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": ' + b"9" * 5_000 + b"}",
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": "\\ud800"}',
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b"\xff\xfe",
        b"[]",
        b"",
        b"null",
    ],
)
def test_json_that_no_one_can_read_is_the_callers_fault(client, body):
    answer = client.post(
        "/api/v1/try/json", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {200, 400, 422}


@pytest.mark.parametrize(
    "number", [2**63, 10**40, "9" * 5_000, "NaN", "-1", "0x7", "\ud7ff", "1e3"]
)
def test_no_number_in_a_path_is_too_large(client, number):
    assert client.post(f"/api/v1/try/cancel/{number}").status_code in {404, 422}
