"""The pages of tasks in a real browser: every act by clicking, one by keys, in both themes."""

import pytest
from playwright.sync_api import Page, expect

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
from tests.web.task_data import fill
from tests.web.visiting import no_dialogs, url_of

pytestmark = on_a_file

SIZES = [(theme, width) for theme in THEMES for width in (WIDE, NARROW)]


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


@pytest.mark.parametrize("how", ["token", "read-only"])
def test_who_may_only_look_sees_no_act(queue, serve, visitor: Visitor, how):
    assert not queue.tokens.list()  # its tables are there: who only shows makes none
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
