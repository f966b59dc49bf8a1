"""A page follows what changes: one stream a tab, polling where there is none."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web.browser import Visitor, ready, run
from tests.web.gallery import Gallery, serving

HIDE = """(() => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => %s });
    document.dispatchEvent(new Event("visibilitychange"));
})()"""


@pytest.fixture
def gallery() -> Gallery:
    return Gallery()


@pytest.fixture(autouse=True)  # up before the page, and gone after it
def url(gallery: Gallery) -> Iterator[str]:
    with serving(gallery) as address:
        yield address


def live(page: Page, url: str, state: str = "live") -> None:
    ready(page, url)
    expect(page.locator(f"#live[data-state={state}]")).to_be_visible()


def number(page: Page, status: str):
    return page.locator(f".tile [data-count={status}]")


def test_counts_follow_the_stream(page: Page, url: str, gallery: Gallery) -> None:
    live(page, url)
    gallery.announce(pending=1_234_567)
    expect(number(page, "pending")).to_have_text("1,234,567")


def test_a_tab_has_one_stream(page: Page, url: str, gallery: Gallery) -> None:
    live(page, url)
    gallery.announce(pending=1)
    expect(number(page, "pending")).to_have_text("1")
    assert len(gallery.heard) == 1


def test_parts_are_fetched_again_and_keep_what_was_done_to_them(
    page: Page, url: str, gallery: Gallery
) -> None:
    asked = []
    page.on(
        "request",
        lambda request: asked.append(request.url) if request.headers.get("hx-request") else None,
    )
    live(page, url)
    box = page.locator("#list tbody input").first
    box.check()
    with page.expect_response(lambda answer: answer.request.headers.get("hx-request") == "true"):
        for count in range(20):
            gallery.announce(pending=count)
    expect(number(page, "pending")).to_have_text("19")
    expect(box).to_be_checked()
    expect(page.locator("#list")).to_have_count(1)
    expect(page.locator("#list tbody tr").first.locator("time")).to_have_text(re.compile("ago"))
    assert 1 <= len(asked) <= 2


def test_a_hidden_tab_has_no_stream_and_goes_on_where_it_was(
    page: Page, url: str, gallery: Gallery
) -> None:
    live(page, url)
    run(page, HIDE % "true")
    gallery.announce(pending=5)
    gallery.announce(pending=6)
    run(page, HIDE % "false")
    expect(number(page, "pending")).to_have_text("6")
    assert gallery.heard == ["", "since=t1-a7"]


def test_updates_can_be_paused(page: Page, url: str, gallery: Gallery) -> None:
    live(page, url)
    page.locator("#live").click()
    expect(page.locator("#live")).to_have_text("Paused")
    live(page, url, "paused")
    assert len(gallery.heard) == 1
    page.locator("#live").click()
    expect(page.locator("#live")).to_have_text("Live")
    assert len(gallery.heard) == 2


def test_without_a_stream_the_page_polls(visitor: Visitor, url: str, gallery: Gallery) -> None:
    gallery.has_stream = False
    page = visitor.page()
    live(page, url, "polling")
    gallery.counts["pending"] = 8
    expect(number(page, "pending")).to_have_text("8")


def test_a_server_that_is_gone_is_told(visitor: Visitor, gallery: Gallery) -> None:
    visitor.tolerate("ERR_")
    page = visitor.page()
    with serving(gallery) as url:
        live(page, url)
    expect(page.locator("#live[data-state=offline]")).to_be_visible()
