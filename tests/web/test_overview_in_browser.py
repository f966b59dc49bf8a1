"""The overview and the system page in a real browser: live, in both themes, safe from texts."""

import re

import pytest
from playwright.sync_api import Page, expect

from jobrunner import NewTask, Worker
from jobrunner.core.finding import problem
from jobrunner.core.status import Status
from tests.databases import on_a_file
from tests.web.browser import (
    NARROW,
    THEMES,
    WIDE,
    Visitor,
    assert_accessible,
    assert_fits,
    ready,
    run,
)
from tests.web.conftest import Served
from tests.web.populated import HOSTILE, populate

SIZES = [(theme, width) for theme in THEMES for width in (WIDE, NARROW)]


@pytest.fixture
def full(served: Served) -> Served:
    populate(served.queue)
    served.queue.schedules.add(HOSTILE, "@hourly", NewTask(function="good"))
    return served


def live(page: Page, url: str) -> None:
    ready(page, url)
    expect(page.locator("#live[data-state=live]")).to_be_visible()


def number(page: Page, status: Status):
    return page.locator(f".tile [data-count={status}]")


def no_dialogs(page: Page) -> list[str]:
    """What pages open that none of ours does."""
    opened: list[str] = []

    def note(dialog) -> None:
        opened.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    return opened


@on_a_file
@pytest.mark.parametrize(("theme", "width"), SIZES)
@pytest.mark.parametrize("path", ["", "?range=24h&retried=2&refused=1", "system"])
def test_a_page_is_accessible_and_opens_nothing(
    full: Served, visitor: Visitor, monkeypatch, theme, width, path
):
    found = [problem("disk", HOSTILE, HOSTILE)]
    monkeypatch.setattr(type(full.queue), "examine", lambda _self: found)
    full.queue.queues.pause(HOSTILE)
    page = visitor.page(theme=theme, width=width)
    opened = no_dialogs(page)
    live(page, full.url + path)
    if path != "system":
        expect(page.locator(".chart canvas")).to_have_count(3)
        expect(page.locator("#trouble")).to_contain_text(HOSTILE)
        expect(page.locator("#figures")).to_contain_text(HOSTILE)
    assert_accessible(page)
    assert_fits(page)
    assert opened == []
    assert run(page, "document.querySelectorAll('img, main script').length") == 0


def test_what_happens_arrives_in_the_page(full: Served, page: Page):
    live(page, full.url)
    expect(number(page, Status.FAILED)).to_have_text("4")
    expect(page.get_by_text("Retry group")).to_have_count(2)
    full.queue.enqueue_many([NewTask(function="good")] * 1_001)
    expect(number(page, Status.PENDING)).to_have_text("1,003")
    expect(page.get_by_role("region", name="Queues")).to_contain_text("1,001")


@on_a_file
def test_what_happened_just_before_the_page_came_is_shown_soon(served: Served, page: Page):
    assert "No task has failed" in served.client.get("/").text  # which is kept for a second
    populate(served.queue)
    live(page, served.url)
    expect(page.get_by_text("Retry group")).to_have_count(2)


@on_a_file
def test_ends_and_new_groups_arrive_too(full: Served, page: Page):
    live(page, full.url)

    @full.queue.task(name="other", max_attempts=1)
    def other() -> None:
        raise ValueError(HOSTILE)

    other.enqueue()
    Worker(full.queue, concurrency=1).run(until_empty=True)
    expect(number(page, Status.FAILED)).to_have_text("7")  # the hostile ones that waited, too
    expect(page.get_by_role("region", name="Failures")).to_contain_text("other")
    expect(page.get_by_text("Retry group")).to_have_count(3)


@on_a_file
def test_a_group_is_retried_after_a_question_that_tells_how_many(full: Served, page: Page):
    live(page, full.url)
    row = page.get_by_role("row").filter(has_text="no such file")
    row.get_by_role("button", name="Retry group").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("Retry 3 tasks?")
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_have_count(0)
    assert full.queue.counts()[Status.FAILED] == 4
    row.get_by_role("button", name="Retry group").click()
    page.get_by_role("dialog").get_by_role("button", name="Retry group").click()
    expect(page.locator("#flashes")).to_contain_text("3 tasks run again.")
    expect(number(page, Status.FAILED)).to_have_text("1")
    assert full.queue.counts()[Status.PENDING] == 5
    expect(page.get_by_text("no such file")).to_have_count(0)


@on_a_file
def test_a_span_is_a_link_that_can_be_kept(full: Served, page: Page):
    live(page, full.url)
    page.get_by_role("link", name="24 hours").click()
    expect(page).to_have_url(re.compile(r"range=24h"))
    chart = page.get_by_role("figure").filter(has_text="Attempts that ended, per 15 minutes")
    expect(chart).to_contain_text("completed2")
    expect(chart).to_contain_text("failed4")


@on_a_file
def test_without_scripts_a_group_can_be_retried(full: Served, visitor: Visitor):
    page = visitor.page(java_script_enabled=False)
    page.goto(full.url)
    row = page.get_by_role("row").filter(has_text="no such file")
    row.get_by_role("button", name="Retry group").click()
    expect(page.locator("#flashes")).to_contain_text("3 tasks run again.")
