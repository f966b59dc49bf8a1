"""The report as a file, in a real browser: it says nothing on the console and asks for nothing."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from jobrunner import NewTask, Worker
from jobrunner.report_page.page import as_html
from jobrunner.runtime import detail
from tests.databases import on_a_file
from tests.web.browser import NARROW, THEMES, WIDE, assert_accessible, assert_fits

HOSTILE = "</style></title><script>alert(1)</script><img src=//evil.example/x onerror=alert(2)>"


@pytest.fixture
def done(queue):
    """A queue in which functions and a command ran, and some failed."""

    @queue.task(max_attempts=1)
    def work(number):
        if number % 5 == 0:
            raise ValueError(f"{HOSTILE} number {number} \u202e in /tmp/{number}")

    @queue.task(queue="images")
    def resize():
        return None

    queue.enqueue_many(
        [
            *(work.bind(number) for number in range(20)),
            *(resize.using(description=HOSTILE).bind() for _ in range(10)),
            NewTask(command=["echo", "--password=hunter2x", HOSTILE]),
        ]
    )
    Worker(queue, concurrency=3).run(until_empty=True)
    return queue


@pytest.fixture
def report(done, tmp_path):
    """The file of the report."""
    path = tmp_path / "a report.html"
    path.write_text(done.report_page(by="worker"), encoding="utf-8")
    return path


def show(visitor, path: Path, **options):
    """Open a file; all that it asks for, but itself, is trouble."""
    page = visitor.page(**options)
    visitor.tolerate(f"a request to another host: {re.escape(path.as_uri())}$")
    page.goto(path.as_uri())
    return page


@on_a_file
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_it_opens_from_a_file_without_a_word_or_a_request(visitor, report, theme, width):
    page = show(visitor, report, theme=theme, width=width)
    expect(page.get_by_role("heading", level=1)).to_have_text("jobs.db")
    titles = page.get_by_role("heading", level=2).all_text_contents()
    assert titles == [
        *("Throughput", "Where the time went", "Run times", "Waits", "By worker", "Failures"),
        *("Workers", "Timeline", "Slowest runs"),
    ]
    assert_fits(page)
    assert_accessible(page)


@on_a_file
def test_what_tasks_have_written_stays_text(visitor, report):
    page = show(visitor, report)
    page.on("dialog", lambda _: pytest.fail("a script of a task ran"))
    assert page.locator("script, img, iframe, link, object").count() == 0
    expect(page.locator(".failure")).to_have_count(1)
    expect(page.locator(".failure pre")).to_contain_text(HOSTILE)
    expect(page.locator(".failure pre")).to_contain_text("\\u202e")
    expect(page.locator(".failure .note")).to_contain_text(
        "4 failed; of 4 tasks, 4 failed for good"
    )
    text = report.read_text()
    assert "hunter2x" not in text
    assert "echo --password=••••" in text


@on_a_file
def test_of_many_attempts_it_is_told_how_busy_workers_were(visitor, done, tmp_path, monkeypatch):
    monkeypatch.setattr(detail, "BARS", 5)
    path = tmp_path / "many.html"
    path.write_text(done.report_page(), encoding="utf-8")
    page = show(visitor, path)
    expect(page.locator(".lane.strip")).to_have_count(1)
    expect(page.locator(".lane.strip path.completed")).to_have_count(1)


@on_a_file
def test_it_can_be_printed(visitor, report):
    page = show(visitor, report, theme="dark")
    page.emulate_media(media="print")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")


def test_it_tells_the_same_on_both_databases(done):
    told = done.report_detail()
    assert told.report == done.report()
    assert {one.report.name: one.report.count for one in told.functions} == {
        "work": 20,
        "resize": 10,
        "echo": 1,
    }
    assert {one.report.name: one.report.count for one in told.queues} == {
        "default": 21,
        "images": 10,
    }
    assert sum(sum(one) for one in told.ends) == 31
    assert [one.count for one in told.failures] == [4]
    assert told.timeline is not None
    assert sum(len(lane.bars) for lane in told.timeline.lanes) == 31
    assert len(told.slowest) == 15
    assert as_html(told).count("<section") == 8
    nothing = done.report_detail(since=timedelta(seconds=-60))
    assert (nothing.grid, nothing.ends, nothing.slowest) == (None, (), [])
    assert "Nothing has run yet." in as_html(nothing)
