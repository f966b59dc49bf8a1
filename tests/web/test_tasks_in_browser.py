"""The pages of tasks in a real browser: every act by clicking, one by keys, in both themes."""

import re
import threading

import pytest
from playwright.sync_api import Page, expect

from jobrunner import Worker, context
from jobrunner.core.new_task import NewTask
from jobrunner.core.role import Role
from jobrunner.core.status import Status
from tests.databases import on_a_file
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
from tests.web.conftest import Served
from tests.web.task_data import HOSTILE, fill

pytestmark = on_a_file

SIZES = [(theme, width) for theme in THEMES for width in (WIDE, NARROW)]


def no_dialogs(page: Page) -> list[str]:
    """What pages open that none of ours does."""
    opened: list[str] = []

    def note(dialog) -> None:
        opened.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    return opened


def url_of(served: Served, path: str) -> str:
    return served.url.rstrip("/") + path


def confirm(page: Page, label: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=label).click()


@pytest.mark.parametrize(("theme", "width"), SIZES)
def test_pages_are_accessible_fit_and_open_nothing(serve, visitor: Visitor, theme, width):
    served = serve(allow_commands=True)
    made = fill(served.queue)
    page = visitor.page(theme=theme, width=width)
    opened = no_dialogs(page)
    paths = ["/tasks", "/tasks?status=failed&since=1d", "/tasks?text=nothing", "/tasks/new"]
    paths += [f"/tasks/{made['pending'].id}/change", f"/tasks/new?like={made['hostile'].id}"]
    paths += [f"/tasks/{task.id}" for task in made.values()]
    for path in paths:
        ready(page, url_of(served, path))
        assert_accessible(page)
        assert_fits(page)
    assert opened == []
    assert run(page, "document.querySelectorAll('main img, main script').length") == 0


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


def test_chosen_tasks_stay_chosen_while_others_come(served: Served, page: Page):
    queue = served.queue
    queue.enqueue_ids([NewTask(function="f", description=f"number {n}") for n in range(5)])
    ready(page, url_of(served, "/tasks"))
    expect(page.locator("#live[data-state=live]")).to_be_visible()
    queue.enqueue(NewTask(function="f", description="six"))
    expect(page.get_by_text("six")).to_be_visible()
    page.get_by_label("Choose task 2").check()
    queue.enqueue(NewTask(function="f", description="seven"))
    page.get_by_label("Choose task 4").click(modifiers=["Shift"])
    expect(page.locator("#chosen")).to_have_text("3 chosen")
    expect(page.get_by_text("seven")).to_have_count(0)
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator("h1")).to_have_text("Cancel 3 tasks?")
    assert_accessible(page)
    page.get_by_role("button", name="Cancel 3 tasks").click()
    expect(page.locator("h1")).to_have_text("3 tasks were cancelled.")
    assert_accessible(page)
    assert queue.counts()[Status.CANCELLED] == 3
    page.get_by_role("link", name="Back to the list").click()
    expect(page.get_by_text("seven")).to_be_visible()


@pytest.mark.parametrize(
    ("act", "query", "left"),
    [("Retry", "cancelled", Status.PENDING), ("Delete", "cancelled", None)],
)
def test_all_that_match_are_acted_on(served: Served, page: Page, act, query, left):
    queue = served.queue
    made = queue.enqueue_ids([NewTask(function="f")] * 70)
    queue.bulk.cancel(ids=made[:60])
    ready(page, url_of(served, f"/tasks?status={query}"))
    page.get_by_text("With all that match").click()
    page.get_by_role("button", name=f"{act} all").click()
    expect(page.locator("h1")).to_have_text(f"{act} 60 cancelled tasks?")
    page.get_by_role("button", name=f"{act} 60 tasks").click()
    expect(page.locator("h1")).to_contain_text("60 tasks were")
    assert queue.counts()[Status.CANCELLED] == 0
    assert queue.counts()[Status.PENDING] == (70 if left else 10)


def test_everything_works_by_keys_alone(served: Served, page: Page):
    queue = served.queue
    for n in range(3):
        queue.enqueue(NewTask(function="f", description=f"letter {n}"))
    ready(page, url_of(served, "/tasks"))
    page.keyboard.press("/")
    page.keyboard.type("letter 1")
    page.keyboard.press("Enter")
    expect(page.locator(".task-link")).to_have_count(1)
    expect(page.locator("html[data-ready]")).to_be_attached()
    tab_to(page, "ids")
    page.keyboard.press("Space")
    expect(page.locator("#chosen")).to_have_text("1 chosen")
    tab_to(page, "act", back=True)
    focused = "document.activeElement.value"
    while run(page, focused) != "cancel chosen":
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Cancel 1 task?")
    while run(page, "document.activeElement.textContent.trim()") != "Cancel 1 task":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("1 task was cancelled.")
    assert [task.description for task in queue.find(status=Status.CANCELLED)] == ["letter 1"]


def tab_to(page: Page, name: str, *, back: bool = False) -> None:
    for _ in range(60):
        if run(page, "document.activeElement.name") == name:
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    pytest.fail(f"no key leads to {name}")


def test_a_running_task_is_followed(served: Served, page: Page):
    queue = served.queue
    go, stop = threading.Event(), threading.Event()

    @queue.task
    def slow() -> str:
        context.progress(25, 100, "a quarter")
        go.wait(60)
        context.progress(75, 100, "three quarters")
        stop.wait(60)
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


@pytest.mark.parametrize("how", ["token", "read-only"])
def test_who_may_only_look_sees_no_act(serve, visitor: Visitor, how):
    served = serve(read_only=how == "read-only")
    served.queue.store.read_only = False
    made = fill(served.queue)
    headers = {}
    if how == "token":
        token = served.queue.tokens.add("reader", Role.READ)
        headers = {"Authorization": f"Bearer {token}"}
    page = visitor.page(extra_http_headers=headers)
    for path in ("/tasks", f"/tasks/{made['pending'].id}", f"/tasks/{made['failed'].id}"):
        ready(page, url_of(served, path))
        expect(page.locator("main form[method=post]")).to_have_count(0)
        expect(page.locator("main input[type=checkbox]")).to_have_count(0)
        assert_accessible(page)
