"""Workflows, timeline, workers, queues and schedules in a real browser: seen, and acted upon."""

import re

import pytest
from playwright.sync_api import Page, expect

from jobrunner import NewTask
from jobrunner.core.role import Role
from tests.databases import on_a_file
from tests.web.browser import NARROW, THEMES, WIDE, assert_accessible, assert_fits, ready, run
from tests.web.made_up import HOSTILE
from tests.web.standing import confirm, go, house

__all__ = ["house"]

pytestmark = on_a_file  # what pages are made of is tested on both; here it is seen

PAGES = (
    "/graph/1",
    "/graph/1?view=gantt",
    "/graph/1?view=table",
    "/batches",
    "/batches/1",
    "/timeline?since=15m",
    "/timeline?since=x",
    "/timeline?view=table",
    "/workers",
    "/workers?resize=ada",
    "/queues",
    "/queues/mail",
    "/schedules",
    "/schedules/nightly",
)

TWICE = """[...document.querySelectorAll("[id]")].map(({ id }) => id)
    .filter((id, at, all) => all.indexOf(id) < at)"""
"""The ids that a page has twice."""

DRAWINGS = {
    ".graph": ".graph .node, .graph .block",
    ".gantt": ".gantt-row:not(.gantt-axis)",
    ".timeline": ".timeline-names div",
}


def drawn(page: Page) -> None:
    """Wait until the drawings of a page, if it has some, are there."""
    for drawing, parts in DRAWINGS.items():
        if page.locator(drawing).count():
            expect(page.locator(parts).first).to_be_attached()


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("theme", THEMES)
def test_every_page_is_accessible_fits_and_says_nothing_on_the_console(
    house, visitor, theme, width
):
    page = visitor.page(theme=theme, width=width)
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    visitor.tolerate("status of 422")
    for path in PAGES:
        ready(page, house.url.rstrip("/") + path)
        drawn(page)
        assert_fits(page)
        assert_accessible(page)
        assert run(page, "document.querySelectorAll('img, main script').length") == 0
        assert run(page, TWICE) == []


def test_workers_are_paused_resized_resumed_and_stopped_by_clicking(house, page):
    go(page, house, "/workers")
    page.get_by_role("button", name="Pause ada").click()
    expect(page.get_by_role("status")).to_contain_text("Paused.")
    expect(page.get_by_text("ends 3, then drained")).to_be_visible()
    page.get_by_role("button", name="Resume ada").click()
    page.get_by_role("link", name="Resize ada").click()
    page.get_by_label("Tasks at a time").fill("7")
    page.get_by_role("button", name="Resize").click()
    expect(page.get_by_text("3 of 7")).to_be_visible()
    page.get_by_role("button", name="Stop bob").click()
    expect(page.locator("dialog")).to_contain_text("Stop the worker bob?")
    confirm(page)
    expect(page.locator(".status-stopping")).to_be_visible()
    page.get_by_role("button", name="Resume the crew").click()
    expect(page.get_by_role("status")).to_contain_text("Resumed.")
    assert house.queue.crews.list() == []


def test_to_say_no_to_the_question_does_nothing(house, page):
    go(page, house, "/workers")
    page.get_by_role("button", name="Stop bob").click()
    page.locator("dialog").get_by_role("button", name="Cancel").click()
    expect(page.locator("dialog")).to_have_count(0)
    assert all(one.stop_requested_at is None for one in house.queue.workers())


def test_queues_are_paused_limited_and_resumed_by_clicking(house, page):
    go(page, house, "/queues")
    page.get_by_role("button", name="Pause the queue mail").click()
    expect(page.get_by_role("button", name="Resume the queue mail")).to_be_visible()
    page.get_by_role("link", name="Limit the queue mail").click()
    page.get_by_label("At a time").fill("3")
    page.get_by_role("button", name="Set limits").click()
    expect(page.locator("dl.facts")).to_contain_text("3 at a time")
    page.get_by_role("button", name="Resume the queue").click()
    expect(page.get_by_role("status")).to_contain_text("Resumed.")
    go(page, house, "/queues")
    page.get_by_role("link", name="Limit the key").click()
    expect(page.get_by_role("textbox", name="Key")).to_have_value(HOSTILE)
    page.get_by_label("At a time").fill("9")
    page.get_by_role("button", name="Set limits").click()
    expect(page.locator("#key-list")).to_contain_text("9 at a time")


@pytest.mark.parametrize("name", ["100 %2F", "a/b", "a/../b", "..", "?x#y", "\\"])
def test_a_queue_of_any_name_is_reached_by_its_link(house, page, name):
    house.queue.queues.pause(name)
    go(page, house, "/queues")
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.locator("h1")).to_have_text(name)
    page.get_by_role("button", name="Resume the queue").click()
    expect(page.get_by_role("status")).to_contain_text("Resumed.")
    expect(page.locator("h1")).to_have_text(name)


def test_a_schedule_is_added_run_paused_and_removed_by_clicking(house, page, visitor):
    visitor.tolerate("status of 422")
    go(page, house, "/schedules")
    page.get_by_text("Add a schedule").click()
    page.get_by_label("Name").fill("hourly")
    page.get_by_label("Rule").fill("@hourly!")
    page.get_by_label("Function").fill(house.queue.registry.names[0])
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).to_contain_text("there is no rule")
    page.get_by_label("Rule").fill("@hourly")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("h1")).to_have_text("hourly")
    page.get_by_role("button", name="Pause the schedule").click()
    expect(page.get_by_text("Nothing while it is paused.")).to_be_visible()
    page.get_by_role("button", name="Resume the schedule").click()
    page.get_by_role("button", name="Run now the schedule").click()
    page.wait_for_url(re.compile("/tasks/"))
    go(page, house, "/schedules/hourly")
    page.get_by_role("button", name="Remove the schedule").click()
    confirm(page)
    page.wait_for_url(re.compile("/schedules[?]did=removed"))
    assert "hourly" not in {one.name for one in house.queue.schedules.list()}


def test_a_page_goes_on_by_itself_while_somebody_writes_into_its_form(house, page):
    go(page, house, "/queues/mail")
    page.get_by_label("At a time").fill("3")
    house.queue.queues.limit("mail", rate=(10, 60))
    house.queue.enqueue(NewTask(function=house.queue.registry.names[0], queue="mail"))
    expect(page.locator("dl.facts")).to_contain_text("10 starts in 1m")
    expect(page.get_by_label("At a time")).to_have_value("3")


def test_readers_see_pages_without_acts(house, visitor):
    token = house.queue.tokens.add("reader", Role.READ)
    page = visitor.page(extra_http_headers={"Authorization": f"Bearer {token}"})
    for path in PAGES:
        if "since=x" in path:
            continue
        go(page, house, path)
        drawn(page)
        expect(page.locator("form[method=post]")).to_have_count(0)
