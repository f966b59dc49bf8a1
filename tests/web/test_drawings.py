"""Charts, graphs, Gantt charts and timelines draw what they are given, and can be steered."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web import made_up
from tests.web.browser import Visitor, run
from tests.web.gallery import Gallery, drawn, serving


@pytest.fixture
def gallery() -> Gallery:
    return Gallery()


@pytest.fixture(autouse=True)  # up before the page, and gone after it
def url(gallery: Gallery) -> Iterator[str]:
    with serving(gallery) as address:
        yield address


def painted(page: Page, selector: str) -> int:
    """How many pixels of a canvas are of any colour."""
    program = f"""(() => {{ const canvas = document.querySelector({selector!r});
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return data.reduce((sum, value, at) => sum + (at % 4 === 3 && value > 0), 0) }})()"""
    return run(page, program)


def test_each_drawing_draws_something(page: Page, url: str) -> None:
    drawn(page, url)
    expect(page.locator(".plot").first).to_have_attribute(
        "aria-label", re.compile(r"Throughput, by minute: completed [\d,]+, failed \d+")
    )
    assert painted(page, ".chart canvas") > 10_000
    assert painted(page, ".timeline canvas") > 50_000
    for selector in (".graph .node", ".gantt-bar", ".spark svg", ".graph .edge"):
        box = page.locator(selector).first.bounding_box()
        assert box
        assert box["width"] > 2
    expect(page.locator(".graph .edge")).to_have_count(16)
    expect(page.locator(".gantt-row.critical")).to_have_count(2)
    expect(page.locator(".graph .node.critical")).to_have_count(2)


def test_a_table_tells_what_a_drawing_shows(page: Page, url: str) -> None:
    drawn(page, url)
    tables = {".chart": 60, ".graph": 11, ".timeline": 200}
    for selector, rows in tables.items():
        part = page.locator(selector).first
        part.locator("summary").click()
        expect(part.locator("tbody tr")).to_have_count(rows)


def test_the_graph_is_moved_and_zoomed_by_keys_and_leads_to_tasks(page: Page, url: str) -> None:
    drawn(page, url)
    graph = page.locator(".graph svg.canvas")
    group = page.locator(".graph svg.canvas > g")
    before = group.get_attribute("transform")
    graph.focus()
    for key in ("+", "ArrowRight"):
        page.keyboard.press(key)
        expect(group).not_to_have_attribute("transform", before or "")
        before = group.get_attribute("transform")
    page.locator(".graph").get_by_role("button", name="Fit all of it").click()
    page.locator(".graph .node").nth(3).click()
    page.wait_for_url(url + "/tasks/4")


def test_a_drag_moves_the_graph_and_opens_nothing(page: Page, url: str) -> None:
    drawn(page, url)
    page.locator(".graph").scroll_into_view_if_needed()
    box = page.locator(".graph .node").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 60, steps=4)
    page.mouse.up()
    moved = page.locator(".graph .node").first.bounding_box()
    assert moved
    assert moved["x"] - box["x"] == pytest.approx(100, abs=2)
    assert page.url == url + "/"


def test_a_click_on_the_timeline_opens_the_task(page: Page, url: str) -> None:
    drawn(page, url)
    canvas = page.locator(".timeline canvas")
    canvas.hover(position={"x": 200, "y": 11})
    expect(page.locator(".tip")).to_have_text(re.compile(r"\d+ .+ · \w+ · .+ s · "))
    text = page.locator(".tip").text_content() or ""
    canvas.click(position={"x": 200, "y": 11})
    page.wait_for_url(f"{url}/tasks/{text.split()[0]}")


def test_the_timeline_is_zoomed_by_keys(page: Page, url: str) -> None:
    drawn(page, url)
    ticks = page.locator(".timeline .gantt-tick")
    expect(ticks.first).to_be_visible()
    before = ticks.all_text_contents()
    page.locator(".timeline .drawing").focus()
    for _ in range(6):
        page.keyboard.press("+")
    expect(ticks).not_to_have_text(before)
    zoomed = ticks.all_text_contents()
    for _ in range(4):  # one step is less than what lies between two ticks
        page.keyboard.press("ArrowLeft")
    expect(ticks).not_to_have_text(zoomed)
    page.keyboard.press("0")
    expect(ticks).to_have_text(before)


FRAMES = """(async () => {
    const box = document.querySelector(".timeline .drawing");
    box.focus();
    const press = (key) => box.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    const next = () => new Promise((done) => requestAnimationFrame(done));
    const keys = "+++--".split("").concat(["ArrowLeft", "ArrowRight"]);
    const before = performance.now();
    for (let at = 0; at < 70; at += 1) { press(keys[at % keys.length]); await next(); }
    return (performance.now() - before) / 70;
})()"""


def test_five_thousand_bars_stay_smooth(page: Page, url: str) -> None:
    drawn(page, url)
    expect(page.locator(".timeline .drawing-tools")).to_contain_text("attempts in 16 lanes")
    assert run(page, FRAMES) < 100  # ms a frame: 17 to 29 on two busy cores


def test_five_hundred_tasks_are_laid_out_beside_the_page(
    page: Page, url: str, gallery: Gallery
) -> None:
    gallery.graph = made_up.large_graph()
    page.goto(url)
    expect(page.locator(".graph .node")).to_have_count(500)
    expect(page.locator(".graph .drawing-tools")).to_contain_text("500 tasks, and more")
    box = page.locator(".graph .node").nth(7).locator("rect").first.bounding_box()
    assert box
    assert box["width"] > 90  # what is shown first can be read


def test_where_there_is_nothing_to_draw_nothing_breaks(
    page: Page, url: str, gallery: Gallery
) -> None:
    gallery.graph = {"nodes": [], "edges": [], "is_cut": False}
    gallery.series = []
    gallery.timeline = {"lanes": [], "is_cut": False}
    page.goto(url)
    expect(page.locator(".graph .drawing-tools")).to_contain_text("0 tasks")
    expect(page.locator(".gantt .drawing-tools")).to_contain_text("Nothing has started yet")
    expect(page.locator(".timeline .drawing-tools")).to_contain_text("0 attempts in 0 lanes")
    expect(page.locator(".chart canvas")).to_have_count(3)
    expect(page.locator(".plot").nth(2)).to_have_attribute("aria-label", re.compile(r"run \S$"))


def test_a_drawing_tells_that_its_data_did_not_come(
    visitor: Visitor, url: str, gallery: Gallery
) -> None:
    visitor.tolerate("500")
    page = visitor.page()
    page.route(re.compile(r"/\w+\.json$"), lambda route: route.fulfill(status=500))
    page.goto(url)
    for part in (".graph .drawing-tools", ".gantt .drawing-tools", ".timeline .drawing-tools"):
        expect(page.locator(part)).to_contain_text("The server answered 500.")
    expect(page.locator(".chart .problem")).to_have_text("The server answered 500.")
