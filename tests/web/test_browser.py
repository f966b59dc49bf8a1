"""The browser of the tests notes what it has to: trouble, other hosts, what cannot be read."""

import pytest
from playwright.sync_api import Browser

from tests.web import browser as harness
from tests.web.browser import NARROW, Visitor, assert_accessible, assert_fits, run
from tools import chromium

GREY = "<!doctype html><html lang=en><title>Grey</title><main><h1>A</h1><p style='color:#bbb'>pale"


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("console.error('broken')", "console error: broken"),
        ("console.warn('odd')", "console warning: odd"),
        ("setTimeout(() => { throw new Error('thrown') })", "page error: thrown"),
        ("new Image().src = 'http://192.0.2.1/x.png'", "another host: http://192.0.2.1/x.png"),
    ],
)
def test_trouble_of_a_page_fails_its_test(browser: Browser, program: str, told: str) -> None:
    visitor = Visitor(browser)
    page = visitor.page()
    run(page, f"{program}; new Promise((done) => setTimeout(done, 50))")
    with pytest.raises(AssertionError, match=told):
        visitor.close()


def test_trouble_that_a_test_is_about_passes(visitor: Visitor) -> None:
    visitor.tolerate("brok.n")
    run(visitor.page(), "console.error('broken')")


def test_what_is_too_pale_is_found(visitor: Visitor) -> None:
    page = visitor.page()
    page.set_content(GREY)
    with pytest.raises(AssertionError, match="color-contrast"):
        assert_accessible(page)
    page.set_content(GREY.replace("#bbb", "#333"))
    assert_accessible(page)


def test_what_is_too_wide_is_found(visitor: Visitor) -> None:
    page = visitor.page(width=NARROW)
    page.set_content("<div style='width: 376px'>wide</div>")
    with pytest.raises(AssertionError, match="pixels too wide"):
        assert_fits(page)


@pytest.mark.parametrize(("ci", "end"), [("true", "Failed"), ("", "Skipped")])
def test_without_a_chromium_only_ci_fails(
    monkeypatch: pytest.MonkeyPatch, ci: str, end: str
) -> None:
    def ensure() -> str:
        raise chromium.ChromiumError("there is none")

    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(chromium, "ensure", ensure)
    with pytest.raises(BaseException, match="there is none") as ended:
        harness.found()
    assert type(ended.value).__name__ == end
