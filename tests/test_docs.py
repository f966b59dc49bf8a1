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
