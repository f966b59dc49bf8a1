"""The page of a task in a real browser: every act by clicking, and live while it runs."""

import re
import threading

import pytest
from playwright.sync_api import Page, expect

from jobrunner import Worker, context
from jobrunner.core.new_task import NewTask
from jobrunner.core.status import Status
from tests.databases import on_a_file
from tests.web.browser import (
    Visitor,
    assert_accessible,
    ready,
    run,
)
from tests.web.conftest import Served
from tests.web.task_data import HOSTILE, fill
from tests.web.visiting import no_dialogs, url_of

pytestmark = on_a_file


def confirm(page: Page, label: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=label).click()


def test_hostile_text_is_shown_as_text(served: Served, page: Page):
    made = fill(served.queue)
    opened = no_dialogs(page)
    ready(page, url_of(served, f"/tasks/{made['hostile'].id}"))
    expect(page.locator("h1")).to_contain_text(HOSTILE[:40])
    expect(page.locator("pre.error")).to_contain_text(HOSTILE[:40])
    ready(page, url_of(served, f"/tasks/{made['steps'].id}"))
    expect(page.get_by_role("region", name="Steps", exact=True)).to_contain_text(HOSTILE[:28])
    assert opened == []


@pytest.mark.parametrize(
    ("word", "label", "sure", "status"),
    [
        ("failed", "Retry", None, Status.PENDING),
        ("completed", "Run again", "Run again", Status.PENDING),
        ("pending", "Cancel task", "Cancel task", Status.CANCELLED),
        ("scheduled", "Start now", None, Status.PENDING),
    ],
)
def test_a_click_acts_on_a_task(served: Served, page: Page, word, label, sure, status):
    task = fill(served.queue)[word]
    ready(page, url_of(served, f"/tasks/{task.id}"))
    page.get_by_role("group", name="Acts").get_by_role("button", name=label, exact=True).click()
    if sure:
        confirm(page, sure)
    expect(page.locator(".standing .status")).to_have_class(re.compile(f"status-{status}"))
    expect(page.locator("#flashes .flash")).to_be_visible()
    assert task.refresh().status is status


def test_clicks_retry_with_dependents_and_delete(served: Served, page: Page):
    queue = served.queue
    parent = queue.enqueue(NewTask(command=["false"], max_attempts=1))
    child = queue.enqueue(NewTask(command=["true"], after=[parent]))
    for label in ("Retry with all that depends on it", "Retry what failed"):
        Worker(queue, concurrency=1).run(until_empty=True)
        assert child.refresh().status is Status.CANCELLED
        ready(page, url_of(served, f"/tasks/{parent.id}"))
        expect(page.locator(".graph .node")).to_have_count(2)
        page.get_by_role("button", name=label, exact=True).click()
        confirm(page, label)
        expect(page.locator(".standing .status-pending")).to_be_visible()
        assert child.refresh().status is Status.BLOCKED
    Worker(queue, concurrency=1).run(until_empty=True)
    ready(page, url_of(served, f"/tasks/{child.id}"))
    page.get_by_role("button", name="Delete", exact=True).click()
    confirm(page, "Delete")
    expect(page).to_have_url(re.compile("/tasks$"))
    assert len(queue.find()) == 1


def test_a_task_is_changed_and_one_like_it_enqueued(served: Served, page: Page):
    task = fill(served.queue)["pending"]
    ready(page, url_of(served, f"/tasks/{task.id}"))
    page.get_by_role("link", name="Change…").click()
    page.get_by_label("Priority").fill("77")
    page.get_by_role("button", name="Change").click()
    expect(page.locator(".facts")).to_contain_text("77")
    assert task.refresh().priority == 77
    page.get_by_role("link", name="Enqueue one like it").click()
    expect(page.get_by_label("Priority")).to_have_value("77")
    page.get_by_label("Description").fill("the other")
    page.get_by_role("button", name="Enqueue").click()
    expect(page.locator("h1")).to_have_text("the other")
    assert served.queue.find(limit=1)[0].description == "the other"


def test_a_running_task_is_followed(served: Served, page: Page):
    queue = served.queue
    go, stop = threading.Event(), threading.Event()

    @queue.task
    def slow() -> str:
        context.progress(25, 100, "a quarter")
        go.wait(60)
        while not stop.wait(0.1):  # two reports a second are stored
            context.progress(75, 100, "three quarters")
        return "the end"

    task = slow.enqueue()
    thread = threading.Thread(target=lambda: Worker(queue, concurrency=1).run(max_tasks=1))
    thread.start()
    try:
        ready(page, url_of(served, f"/tasks/{task.id}"))
        expect(page.locator(".how-far")).to_contain_text("a quarter")
        expect(page.locator(".how-far")).to_contain_text("left")
        go.set()
        expect(page.locator(".how-far")).to_contain_text("three quarters")
        assert_accessible(page)
        stop.set()
        expect(page.locator(".standing .status-completed")).to_be_visible()
        expect(page.get_by_role("region", name="Result")).to_contain_text("the end")
    finally:
        go.set()
        stop.set()
        thread.join(60)


def test_what_was_opened_stays_open_while_the_page_is_renewed(served: Served, page: Page):
    queue = served.queue
    task = fill(queue)["failed"]
    ready(page, url_of(served, f"/tasks/{task.id}"))
    expect(page.locator("#live[data-state=live]")).to_be_visible()
    summary = page.get_by_text("What it wrote")
    details = page.locator("details", has=summary)
    summary.click()
    expect(details).not_to_have_attribute("open", "")
    queue.retry(task.id)
    expect(page.locator(".standing .status-pending")).to_be_visible()
    expect(details).not_to_have_attribute("open", "")


def test_recipes_are_copied(served: Served, visitor: Visitor):
    page = visitor.page(permissions=["clipboard-read", "clipboard-write"])
    task = fill(served.queue)["completed"]
    ready(page, url_of(served, f"/tasks/{task.id}"))
    page.get_by_role("button", name="Copy: Command line").click()
    expect(page.get_by_role("button", name="Copy: Command line")).to_have_text("Copied")
    copied = run(page, "navigator.clipboard.readText()")
    assert copied == "jobrunner enqueue --max-attempts=1 media.thumbnail path=a.png width:=400"
