"""Workflows and the timeline in a real browser: drawn, moved, and acted upon."""

import re

from playwright.sync_api import expect

from tests.databases import on_a_file
from tests.web.browser import assert_accessible
from tests.web.house import wide, workflow
from tests.web.standing import confirm, go, house

__all__ = ["house"]

pytestmark = on_a_file


def test_what_failed_runs_again_by_clicking_and_the_graph_follows(house, page):
    go(page, house, "/graph/2")
    expect(page.locator(".graph .node")).to_have_count(5)
    expect(page.locator(".graph .node.status-failed")).to_have_count(1)
    page.get_by_role("button", name="Retry failed only").click()
    expect(page.locator("dialog")).to_contain_text("1 failed task")
    confirm(page)
    expect(page.locator(".graph .node.status-pending")).to_have_count(1)
    workflow(house.queue, fails=False)  # nothing is loaded again: the colours come by themselves
    expect(page.locator(".graph .node.status-completed")).to_have_count(5)
    expect(page.locator("#summary")).to_contain_text("5 of 5")


def test_the_gantt_frames_the_critical_path(house, page):
    go(page, house, "/graph/1?view=gantt")
    expect(page.locator(".gantt-row.critical").first).to_be_visible()
    path = house.client.get("/api/v1/graph/1").json()["critical"]
    expect(page.locator(".gantt-row.critical")).to_have_count(len(path))


def test_many_tasks_alike_are_one_block_of_squares(house, page):
    ids = house.queue.enqueue_ids(wide(house.queue.registry.names[0], 150))
    go(page, house, f"/graph/{ids[5]}")
    expect(page.locator(".graph .block .cell")).to_have_count(150)
    expect(page.locator(".graph .node")).to_have_count(2)
    expect(page.locator(".graph .edge")).to_have_count(2)
    expect(page.locator(".graph .cell.current")).to_have_count(1)
    expect(page.locator(".graph .block")).to_have_attribute("aria-label", re.compile("150 blocked"))
    assert_accessible(page)


def test_the_timeline_zooms_moves_and_leads_to_the_task(house, page):
    go(page, house, "/timeline?since=15m")
    box = page.locator(".timeline .drawing")
    expect(
        page.locator(".timeline-names .status-lost, .timeline-names .first").first
    ).to_be_visible()
    ticks = page.locator(".timeline .gantt-tick")
    expect(ticks.first).to_be_visible()
    before = ticks.all_text_contents()
    box.focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    expect(ticks.first).not_to_have_text(before[0])
    page.keyboard.press("0")
    expect(ticks.first).to_have_text(re.compile(r"\d\d:\d\d"))
    page.get_by_role("link", name="6 h", exact=True).click()
    expect(page.get_by_role("link", name="6 h", exact=True)).to_have_attribute(
        "aria-current", "page"
    )
    page.get_by_label("Since").fill("2m")
    page.get_by_role("button", name="Show").click()
    canvas = page.locator(".timeline canvas")
    expect(page.locator(".timeline-names .first").first).to_be_visible()
    expect(canvas).to_have_js_property("hidden", False)  # noqa: FBT003 — a value of JavaScript's
    size = canvas.bounding_box()
    rows = page.locator(".timeline-names div").count()
    page.mouse.click(
        size["x"] + size["width"] - 3, size["y"] + size["height"] * (rows - 0.5) / rows
    )
    page.wait_for_url(re.compile(r"/tasks/\d+"))
