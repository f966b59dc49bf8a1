"""Pages that follow from the code are as the code says, and links lead somewhere."""

import re

import pytest

from jobrunner.core.status import Status
from tools.docs import DOCS, pages

ROOT = DOCS.parent
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
    assert headings == [str(number) for number in range(1, 23)]
