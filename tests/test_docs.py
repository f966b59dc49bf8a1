"""Pages that follow from the code are as the code says, and links lead somewhere."""

import re

import pytest

from jobrunner.core.status import Status
from jobrunner.web.pages.view import PAGES
from tools.docs import DOCS, pages

ROOT = DOCS.parent
IMAGES = DOCS / "images"
PROSE = [*DOCS.rglob("*.md"), *ROOT.glob("*.md")]


@pytest.mark.parametrize("name", pages())
def test_a_generated_page_is_up_to_date(name):
    stored = (DOCS / name).read_text(encoding="utf-8")
    assert stored == pages()[name], "run `python tools/docs.py`"


def test_every_status_is_told():
    assert all(f"`{status}`" in pages()["statuses.md"] for status in Status)


@pytest.mark.parametrize(
    "command",
    ["enqueue", "work", "report", "status", "demo", "task list", "task log", "db check", "doctor"],
)
def test_every_command_is_told(command):
    assert f"## `jobrunner {command}`" in pages()["cli.md"]


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_that_are_there(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_test_that_a_guarantee_names_is_there():
    named = set(re.findall(r"`(test_\w+)`", (DOCS / "guarantees.md").read_text()))
    code = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"def (test_\w+)\(", code))
    assert named - there == set()
    assert len(named) > 60


def test_every_promise_has_its_place():
    headings = re.findall(r"^### (\d+)\. ", (DOCS / "guarantees.md").read_text(), re.MULTILINE)
    assert headings == [str(number) for number in range(1, 27)]


def test_every_picture_is_shown_and_every_one_that_is_shown_is_there():
    shown = {
        (page.parent / name).resolve()
        for page in PROSE
        for name in re.findall(r"""(?:!\[[^\]]*\]\(|<img src=")([^)"]+)""", page.read_text())
    }
    assert shown == set(IMAGES.iterdir())


def test_a_picture_is_small():
    assert [path.name for path in IMAGES.iterdir() if path.stat().st_size > 120_000] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.title)
def test_the_dashboards_page_tells_of_each_page_and_its_keys(page):
    text = (DOCS / "dashboard.md").read_text(encoding="utf-8")
    assert f"\n## {page.title}\n" in text
    assert f"| `g` `{page.key}` | {page.title} |" in text
