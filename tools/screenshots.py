"""Take the pictures of docs/images/: the pages of a server while real workers do real work.

Usage: python tools/screenshots.py [FOLDER]; docs/images unless one is named.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import chromium
import palette
import studio
import studio_day
import terminal
from playwright.sync_api import Browser, Page, sync_playwright
from studio_day import Evening

from jobrunner.core.role import Role
from jobrunner.web.identity import COOKIE

IMAGES: Final = Path(__file__).resolve().parent.parent / "docs" / "images"
LARGEST: Final = 120_000
"""Bytes of a picture."""

WIDE: Final = 1280
NARROW: Final = 375
PATIENCE_MS: Final = 60_000
SETTLED_MS: Final = 500
"""What charts take to be drawn once they are there."""

TOKENS: Final = {"ada": Role.OPERATE, "ci": Role.SUBMIT, "grafana": Role.READ}


class Shot(NamedTuple):
    """A picture: its name, the page, what must be seen in it, and its sizes.

    `top` is the part of the page that it begins with.
    """

    name: str
    path: str
    seen: str
    height: int = 900
    width: int = WIDE
    theme: Literal["light", "dark"] = "light"
    top: str | None = None


def shots(evening: Evening) -> Iterator[Shot]:
    """All pictures, those first in which something has to be running."""
    graph, chart = f"/graph/{evening.last}", ".chart canvas"
    yield Shot("overview", "/", chart)
    yield Shot("graph", graph, ".graph svg", 960)
    yield Shot("graph-dark", graph, ".graph svg", 960, theme="dark")
    yield Shot("tasks", f"/tasks?batch={evening.batch}", "main table", 900)
    yield Shot("workers", "/workers", "#workers table", 800)
    yield Shot("queues", "/queues", "#queues table", 720)
    yield Shot("task", f"/tasks/{evening.film}", "svg.story", 1000)
    yield Shot("timeline", f"/timeline?since={evening.seconds}s", ".timeline canvas", 640)
    yield Shot("overview-dark", "/", chart, theme="dark")
    yield Shot("overview-narrow", "/", chart, 760, NARROW)
    yield Shot("history", "/", chart, 760, top="main h2:text('History')")
    yield Shot("gantt", f"{graph}?view=gantt", ".gantt *", 940)
    yield Shot("failed", "/tasks?status=failed&function=thumbnail", "main table", 700)
    yield Shot("task-failed", f"/tasks/{evening.torn}", ".attempt", 760, top="#attempts")
    yield Shot("batches", "/batches", "main table", 480)
    yield Shot("schedules", "/schedules", "#schedules table", 560)
    yield Shot("system", "/system", "#audit", 900)
    yield Shot("audit", "/system", "#audit", 600, top="main h2:text('Tokens')")


def pages(evening: Evening) -> Iterator[tuple[str, Shot]]:
    """The report as a page, of the whole hour and of the evening, and its pictures."""
    whole = studio.queue.report_page()
    yield whole, Shot("report", "report.html", ".plot", 1180)
    late = studio.queue.report_page(since=timedelta(seconds=evening.seconds))
    lanes = "h2:text('Workers')"
    yield late, Shot("report-timeline", "late.html", ".lanes", 720, theme="dark", top=lanes)


def terminals() -> Iterator[tuple[str, Shot]]:
    """What commands show while there is work."""
    watched = terminal.page("status", "--watch", "--every", "10s", database=studio.DATABASE)
    yield watched, Shot("terminal-status", "status.html", "pre", 360, 720, "dark")
    told = terminal.page("report", database=studio.DATABASE)
    yield told, Shot("terminal-report", "told.html", "pre", 560, 720, "dark")


def main() -> None:
    """Play the evening in a folder of its own, and take the pictures."""
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="studio-") as place,
        contextlib.chdir(place),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium.ensure(), args=chromium.flags()
        )
        shutil.copy(studio.__file__, ".")  # what workers and the server import
        studio.queue.relocate(studio.DATABASE)  # in the folder of now, not of the import
        secrets = {name: studio.queue.tokens.add(name, role) for name, role in TOKENS.items()}
        studio_day.past_hour()
        with studio_day.serving() as url, studio_day.working():
            camera = Camera(browser, url, secrets["ada"], folder)
            evening = Evening()
            evening.kill_who_renders()
            evening.wait_for_a_failure()
            _act(browser, url, secrets, evening)
            for shot in shots(evening):
                camera.take(shot)
            camera.take_files(terminals())
        camera.take_files(pages(evening))
        browser.close()


def _act(browser: Browser, url: str, secrets: dict[str, str], evening: Evening) -> None:
    """Do over HTTP what the system page then tells of."""
    context = browser.new_context()
    acts: list[tuple[str, str, dict[str, Any]]] = [
        ("ci", "tasks", {"function": "index", "args": ["new"]}),
        ("ada", "queues/reports/pause", {}),
        ("ada", f"tasks/{evening.torn}/retry", {}),
    ]
    for name, path, data in acts:
        headers = {"Authorization": f"Bearer {secrets[name]}"}
        answer = context.request.post(f"{url}/api/v1/{path}", data=data, headers=headers)
        if not answer.ok:
            raise studio_day.DayError(answer.text())
    context.close()


class Camera:
    """Takes pictures, each in a browser window of its own."""

    def __init__(self, browser: Browser, url: str, secret: str, folder: Path) -> None:
        """`secret` is the token of who looks."""
        self._browser = browser
        self._url = url
        self._secret = secret
        self._folder = folder
        self._empty = browser.new_page()

    def take(self, shot: Shot) -> None:
        """Take one, and tell how large it is."""
        context = self._browser.new_context(
            color_scheme=shot.theme,
            viewport={"width": shot.width, "height": shot.height},
            reduced_motion="reduce",
        )
        context.add_cookies([{"name": COOKIE, "value": self._secret, "url": self._url}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(self._url + shot.path)
        page.locator("html[data-ready]").wait_for(state="attached")
        self._shoot(page, shot)
        context.close()

    def take_files(self, pages: Iterable[tuple[str, Shot]]) -> None:
        """Take those of pages that are no server's, each with its text."""
        for text, shot in pages:
            Path(shot.path).write_text(text, encoding="utf-8")
            self._take_file(shot)

    def _take_file(self, shot: Shot) -> None:
        context = self._browser.new_context(
            color_scheme=shot.theme, viewport={"width": shot.width, "height": shot.height}
        )
        page = context.new_page()
        page.goto(Path(shot.path).resolve().as_uri())
        self._shoot(page, shot)
        context.close()

    def _shoot(self, page: Page, shot: Shot) -> None:
        _wait(page, shot)
        place = self._folder / f"{shot.name}.png"
        size = palette.shrink(self._empty, page.screenshot(), place)
        print(f"{place.name}: {size:,} bytes{', too many' if size > LARGEST else ''}", flush=True)


def _wait(page: Page, shot: Shot) -> None:
    page.locator(shot.seen).last.wait_for()
    if shot.top:
        page.locator(shot.top).evaluate("(part) => part.scrollIntoView()")
    page.wait_for_timeout(SETTLED_MS)


if __name__ == "__main__":
    main()
