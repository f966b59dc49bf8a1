"""A real Chromium for tests: what a page says on its console, or asks of others, fails them."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tools import chromium

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

WIDE, NARROW = 1280, 375
THEMES = ("light", "dark")

TIMEOUT_MS = 15_000
expect.set_options(timeout=TIMEOUT_MS)


class Visitor:
    """Opens pages, each in a browser of its own with nothing stored, and notes their trouble."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts = []
        self._tolerated = []
        self.trouble: list[str] = []

    def page(
        self, *, theme: str = "light", width: int = WIDE, height: int = 900, **options: Any
    ) -> Page:
        """An empty page; `options` are those of playwright's `new_context`."""
        context = self._browser.new_context(
            color_scheme=theme, viewport={"width": width, "height": height}, **options
        )
        context.set_default_timeout(TIMEOUT_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._note(f"page error: {error}"))
        page.on("request", self._asked)
        return page

    def tolerate(self, pattern: str) -> None:
        """Let trouble of this kind pass: the test is about it."""
        self._tolerated.append(re.compile(pattern))

    def close(self) -> None:
        """End, and fail where there was trouble."""
        for context in self._contexts:
            context.close()
        assert not self.trouble, "\n".join(self.trouble)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._note(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def _asked(self, request: Request) -> None:
        place = urlsplit(request.url)
        if place.scheme in {"data", "blob"} or place.hostname in {"127.0.0.1", "localhost"}:
            return
        self._note(f"a request to another host: {request.url}")

    def _note(self, text: str) -> None:
        if not any(pattern.search(text) for pattern in self._tolerated):
            self.trouble.append(text)


def found() -> str:
    """Where Chromium is; where there is none, tests are skipped, but not in CI."""
    try:
        return chromium.ensure()
    except chromium.ChromiumError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


# Playwright keeps a loop in this thread for as long as it runs, which would be in the way of
# other tests: so it ends with the module, of which one process runs all tests.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for all tests of a module."""
    place = found()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=place, args=chromium.flags())
        yield started
        started.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """Who opens pages as a test wants them."""
    visiting = Visitor(browser)
    yield visiting
    visiting.close()


@pytest.fixture
def page(visitor: Visitor) -> Page:
    """A page of a usual size in the light theme."""
    return visitor.page()


def run(page: Page, program: str) -> Any:
    """What a JavaScript expression is worth; no policy of the page is in its way."""
    session = page.context.new_cdp_session(page)
    try:
        answer = session.send(
            "Runtime.evaluate",
            {"expression": program, "awaitPromise": True, "returnByValue": True},
        )
    finally:
        session.detach()
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")


def assert_accessible(page: Page) -> None:
    """Fail where axe-core finds a violation of WCAG 2.2, level A or AA."""
    run(page, AXE.read_text() + "\n;0")
    wanted = {"runOnly": {"type": "tag", "values": LEVELS}, "resultTypes": ["violations"]}
    found = run(
        page, f"axe.run(document, {json.dumps(wanted)}).then((result) => result.violations)"
    )
    told = [
        f"{violation['id']}: {node['target']} {node['failureSummary']}\n{node['html'][:200]}"
        for violation in found
        for node in violation["nodes"][:5]
    ]
    assert not told, f"{page.url}\n" + "\n".join(told)


def assert_fits(page: Page) -> None:
    """Fail where a page is wider than its window, so that it has to be moved sideways."""
    wide = run(page, "document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} pixels too wide"


def ready(page: Page, url: str) -> None:
    """Go to a page, and wait until its scripts have set it up."""
    page.goto(url)
    expect(page.locator("html[data-ready]")).to_be_attached()
