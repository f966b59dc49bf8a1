"""The parts of the pages, in a real browser, under the policy of the real pages."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web import made_up
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
from tests.web.gallery import Gallery, serving

DRAWINGS = ".chart canvas, .spark svg, .graph .node, .gantt .gantt-bar, .timeline canvas"


@pytest.fixture
def gallery() -> Gallery:
    return Gallery()


@pytest.fixture(autouse=True)  # up before the page, and gone after it
def url(gallery: Gallery) -> Iterator[str]:
    with serving(gallery) as address:
        yield address


def drawn(page: Page, url: str) -> None:
    """Go to the gallery, and wait until all its drawings are there."""
    ready(page, url)
    expect(page.locator(".chart canvas")).to_have_count(3)
    expect(page.locator(".graph .node")).to_have_count(11)
    expect(page.locator(".gantt-bar")).to_have_count(8)
    expect(page.locator(".timeline-names div")).to_have_count(16)


def painted(page: Page, selector: str) -> int:
    """How many pixels of a canvas are of any colour."""
    program = f"""(() => {{ const canvas = document.querySelector({selector!r});
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return data.reduce((sum, value, at) => sum + (at % 4 === 3 && value > 0), 0) }})()"""
    return run(page, program)


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("theme", THEMES)
def test_the_gallery_is_accessible_and_fits(
    visitor: Visitor, url: str, theme: str, width: int
) -> None:
    page = visitor.page(theme=theme, width=width)
    drawn(page, url)
    for summary in page.locator("summary").all():
        summary.click()
    assert_fits(page)
    assert_accessible(page)


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


def test_hostile_text_stays_text(page: Page, url: str) -> None:
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    drawn(page, url)
    for summary in page.locator("summary").all():
        summary.click()
    expect(page.locator(".graph title", has_text=made_up.HOSTILE)).to_have_count(1)
    expect(page.locator(".gantt-row a", has_text=made_up.HOSTILE)).to_have_count(1)
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("dialog p")).to_have_text(made_up.HOSTILE)
    assert run(page, "document.querySelectorAll('img, script:not([src])').length") == 0
    assert dialogs == []


def test_the_keyboard_leads_everywhere(page: Page, url: str) -> None:
    ready(page, url)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("[data-filter]")).to_be_focused()
    page.keyboard.type("g?")  # in a field, keys are letters
    expect(page.locator("[data-filter]")).to_have_value("g?")
    page.locator("main").focus()
    for key, path in zip("twqslyo", PATHS, strict=True):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(url + path)
        expect(page.locator("html[data-ready]")).to_be_attached()


PATHS = ("/tasks", "/workers", "/queues", "/schedules", "/timeline", "/system", "/")


def test_single_keys_can_be_switched_off(page: Page, url: str) -> None:
    ready(page, url)
    page.keyboard.press("?")
    page.get_by_label("Single keys act").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("?")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.url == url + "/"
    page.locator("#keys").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_the_skip_link_leads_past_the_navigation(page: Page, url: str) -> None:
    ready(page, url)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def colour(page: Page) -> str:
    return run(page, "getComputedStyle(document.body).backgroundColor")


def test_the_chosen_theme_holds(visitor: Visitor, url: str) -> None:
    page = visitor.page(theme="dark")
    drawn(page, url)
    dark = colour(page)
    page.locator("#theme").click()
    expect(page.locator("html[data-theme=light]")).to_be_attached()
    light = colour(page)
    assert light != dark
    expect(page.locator(".chart canvas")).to_have_count(3)
    ready(page, url + "/tasks")
    assert colour(page) == light
    page.locator("#theme").click()
    page.locator("#theme").click()
    expect(page.locator("html[data-theme=auto]")).to_be_attached()
    assert colour(page) == dark


@pytest.mark.parametrize("answer", ["Cancel", "Retry"])
def test_a_form_asks_before_it_acts(
    page: Page, url: str, gallery: Gallery, answer: str
) -> None:
    ready(page, url)
    page.locator("form").get_by_role("button", name="Retry").click()
    dialog = page.get_by_role("dialog", name="Retry 73 tasks?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    assert_accessible(page)
    dialog.get_by_role("button", name=answer).click()
    expect(dialog).to_have_count(0)
    if answer == "Cancel":
        assert gallery.sent == []
        return
    page.wait_for_url("**/done")
    sent: dict[str, Any] = {"csrf_token": "t0ken", "status": "failed", "header": None}
    assert gallery.sent == [sent]


def test_htmx_asks_and_sends_the_token(page: Page, url: str, gallery: Gallery) -> None:
    ready(page, url)
    page.get_by_role("button", name="By htmx").click()
    page.get_by_role("dialog").get_by_role("button", name="Do it").click()
    expect(page.locator("#answer")).to_have_text("done")
    assert gallery.sent == [{"header": "t0ken"}]


def test_a_refusal_is_told_in_words(visitor: Visitor, url: str) -> None:
    visitor.tolerate("409")
    page = visitor.page()
    ready(page, url)
    page.get_by_role("button", name="Fails").click()
    said = f"refused {made_up.HOSTILE}. Try another."
    expect(page.locator(".flash-error")).to_have_text(said)
    expect(page.locator("#answer")).to_be_empty()


def test_no_attribute_is_run_as_a_program(visitor: Visitor, url: str) -> None:
    visitor.tolerate("text is not run as a program here")
    page = visitor.page()
    ready(page, url)
    page.locator("#evil").click()
    expect(page).not_to_have_title("evaluated")
    assert run(page, "document.adoptedStyleSheets.length") == 0


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
    assert run(page, FRAMES) < 50  # ms a frame, on a machine that does much else
