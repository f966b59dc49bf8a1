"""Templates show moments, spans and numbers as people read them, and escape all text."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from jinja2 import UndefinedError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from jobrunner.core.status import Status
from jobrunner.web import assets
from jobrunner.web.pages import view

HOSTILE = "<b a='1' b=\"2\">&"
NOON = datetime(2026, 11, 28, 12, 0, 0, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Point:
    """Something with a moment."""

    at: datetime
    status: Status


def request(path: str = "/", **state: Any) -> Request:
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": path,
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1")],
            "server": ("127.0.0.1", 80),
            "scheme": "http",
            "app": Starlette(),
            "state": state,
        }
    )


def shown(source: str, **context: Any) -> str:
    imported = '{% import "macros.html" as ui with context %}'
    template = view.environment().from_string(imported + source)
    return template.render(view.known(request()) | context)


def test_a_value_becomes_json_by_its_fields() -> None:
    point = Point(NOON.astimezone(timezone(timedelta(hours=2))), Status.FAILED)
    assert json.loads(view.plain_json({"points": (each for each in [point])})) == {
        "points": [{"at": "2026-11-28T12:00:00.000005Z", "status": "failed"}]
    }
    assert view.plain(timedelta(minutes=1)) == 60


def test_json_in_an_attribute_is_escaped() -> None:
    text = shown('<i data-x="{{ x | plain_json }}"></i>', x=[HOSTILE])
    assert text == '<i data-x="[&#34;&lt;b a=&#39;1&#39; b=\\&#34;2\\&#34;&gt;&amp;&#34;]"></i>'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10k"),
        (999_499, "999k"),
        (999_500, "1M"),
        (1_048_576, "1.05M"),
        (2_500_000_000, "2.5G"),
    ],
)
def test_a_count_is_short(value: int, text: str) -> None:
    assert view.count(value) == text


def test_a_number_has_its_thousands_apart() -> None:
    assert [view.number(value) for value in (1_048_576, 0.12345, None)] == [
        "1,048,576",
        "0.1235",
        "-",
    ]


def test_a_moment_can_be_read_without_scripts() -> None:
    assert view.moment(NOON) == (
        '<time datetime="2026-11-28T12:00:00.000005Z" data-form="relative">'
        "2026-11-28 12:00:00 UTC</time>"
    )
    assert "time" not in view.moment(None)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ui.status_badge(x) }}",
        "{{ ui.task_link(x, x) }}",
        "{{ ui.copy(x, x) }}",
        "{{ ui.empty_state(x, x, x) }}",
        "{{ ui.confirm_form(x, x, x, x, fields={x: x}) }}",
        "{{ ui.progress(1, 2, x) }}",
        "{{ ui.chart(x, x, [x], x) }}",
        "{{ ui.graph(x, x) }}{{ ui.gantt(x) }}{{ ui.timeline(x) }}",
        "{{ ui.tab_links([(x, x, 1)], x, x) }}",
        "{{ ui.pager(x, x, x) }}",
        "{{ ui.spark([1], x) }}",
    ],
)
def test_every_macro_escapes_what_it_is_given(source: str) -> None:
    text = shown(source, x=HOSTILE)
    assert "&lt;b a=" in text
    assert "<b " not in text


def test_a_name_that_is_not_known_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        shown("{{ misspelt }}")


@pytest.mark.parametrize(
    ("path", "title"), [("/", "Overview"), ("/tasks", "Tasks"), ("/tasks/7", "Tasks"), ("/x", None)]
)
def test_the_navigation_marks_the_page(path: str, title: str | None) -> None:
    answer = view.render(
        request(path), "error.html", code=404, title="No task", detail="1", hint=""
    )
    text = bytes(answer.body).decode()
    assert answer.status_code == 404
    marked = [line for line in text.splitlines() if "aria-current" in line]
    assert [f">{title}</a>" in line for line in marked] == ([True] if title else [])


def test_the_token_for_forms_comes_from_the_request() -> None:
    asked = request(csrf_token="w0rd")  # noqa: S106 — a word for this test
    answer = view.render(asked, "error.html", title="No task", detail="1", hint="")
    assert b'<meta name="csrf-token" content="w0rd">' in answer.body


def test_files_are_kept_for_good_and_found_by_their_content() -> None:
    app = Starlette()
    assets.mount(app)
    with TestClient(app) as client:
        answer = client.get(assets.address("app.js"))
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].startswith("text/javascript")
        assert client.get("/static/another/app.js").status_code == 404
        missing = client.get(assets.address("none.js"))
        assert missing.status_code == 404
        assert "cache-control" not in missing.headers
