"""The system page tells where the tasks live, what is wrong there, and who did what."""

import re
from datetime import timedelta

import pytest

from jobrunner.core.role import Role
from jobrunner.web.acts import Acts
from jobrunner.web.identity import ANYBODY
from jobrunner.web.options import ServeOptions
from tests.databases import on_a_file, on_a_server
from tests.web.populated import HOSTILE


@on_a_file
def test_it_tells_of_the_file(client, location):
    text = client.get("/system").text
    assert f"<code>{location}</code>" in text
    assert re.search(r"<dd>SQLite 3\.\d+\.\d+</dd>", text)
    assert re.search(r"<dt>Write-ahead log</dt><dd>\d+\.\d MiB</dd>", text)
    assert re.search(r"<dt>Schema</dt><dd>\d{4}</dd>", text)


@on_a_server
def test_it_tells_of_the_server(client):
    text = client.get("/system").text
    assert re.search(r"<dd>PostgreSQL \d+", text)
    assert re.search(r"<dt>Size</dt><dd>\d+\.\d MiB</dd>", text)
    assert "Write-ahead log" not in text


@on_a_server
def test_no_password_is_shown(queue, make_client, monkeypatch):
    url = queue.database.url.set(password="s3cret")  # noqa: S106 — it must not be seen
    client = make_client()
    monkeypatch.setattr(queue.database, "url", url)
    text = client.get("/system").text
    assert "***" in text
    assert "s3cret" not in text


def test_it_tells_what_doctor_finds(queue, client):
    text = client.get("/system").text
    for finding in queue.examine():
        assert f'<th scope="row">{finding.name}</th>' in text


def test_it_tells_how_long_what_has_ended_is_kept(queue, client):
    queue.retention.set("mail", completed=timedelta(hours=36), failed="forever")
    text = re.sub(r"\s+", " ", client.get("/system").text)
    assert '<th scope="row">all others</th><td>7 days</td><td>90 days</td><td>7 days</td>' in text
    assert '<th scope="row">mail</th><td>1d12h</td><td>for ever</td><td>7 days</td>' in text


def test_it_tells_how_it_was_started(make_client):
    text = make_client(allow_commands=True, with_workers=3).get("/system").text
    assert "<dd>taken</dd>" in text
    assert "<dd>3</dd>" in text
    assert "<dd>not taken</dd>" in make_client(read_only=True).get("/system").text


def test_the_log_and_the_tokens_are_for_who_may_operate(queue, make_client, tokens):
    Acts(queue, ANYBODY, ServeOptions()).pause_queue(HOSTILE)
    for role in Role:
        text = make_client(token=tokens[role]).get("/system").text
        assert ("pause queue" in text) == (role is Role.OPERATE)
        assert (">What was done over HTTP<" in text) == (role is Role.OPERATE)
        assert ('<th scope="row">submit</th>' in text) == (role is Role.OPERATE)
        assert "<img src=x" not in text
        assert all(token not in text for token in tokens.values())


def test_the_log_has_pages(queue, client):
    acts = Acts(queue, ANYBODY, ServeOptions())
    for number in range(60):
        acts.pause_queue(f"q{number}")
    first = client.get("/system").text
    assert len(re.findall(r"<td>q\d+</td>", first)) == 50
    (older,) = re.findall(r'href="(/system\?before=\d+#audit)" rel="next"', first)
    second = client.get(older).text
    assert re.findall(r"<td>(q\d+)</td>", second) == [f"q{number}" for number in range(9, -1, -1)]
    assert 'rel="next"' not in second


@pytest.mark.parametrize("before", ["0", "-1", "x", str(2**63)])
def test_a_place_in_the_log_that_cannot_be_is_refused(client, before):
    assert client.get("/system", params={"before": before}).status_code == 422
