"""The parts of the pages, in a real browser, under the policy of the real pages."""

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
from tests.web.gallery import Gallery, drawn, serving


@pytest.fixture
def gallery() -> Gallery:
    return Gallery()


@pytest.fixture(autouse=True)  # up before the page, and gone after it
def url(gallery: Gallery) -> Iterator[str]:
    with serving(gallery) as address:
        yield address


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
def test_a_form_asks_before_it_acts(page: Page, url: str, gallery: Gallery, answer: str) -> None:
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
