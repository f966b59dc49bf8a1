"""A server whose every page has something on it, for a browser."""

import pytest
from playwright.sync_api import Page

from jobrunner import NewTask
from tests.web.browser import ready
from tests.web.house import busy, workflow
from tests.web.made_up import HOSTILE


@pytest.fixture
def house(served):
    """A server whose every page has something on it, hostile text in each field.

    Tests name it before their page: then it ends after it.
    """
    queue = served.queue
    workflow(queue)
    busy(queue)
    queue.crews.pause(HOSTILE, crew=True)
    queue.queues.pause(HOSTILE)
    queue.keys.limit(HOSTILE, concurrency=2)
    batch = [NewTask(function=name) for name in queue.registry.names * 8]
    queue.batches.enqueue(batch, description=HOSTILE)
    task = NewTask(function=queue.registry.names[0], kwargs={HOSTILE: HOSTILE})
    queue.schedules.add("nightly", "0 2 * * *", task, tz="Europe/Paris")
    queue.schedules.add(HOSTILE, "*/7 * * * 1-5", task)
    return served


def go(page: Page, house, path: str) -> None:
    ready(page, house.url.rstrip("/") + path)


def confirm(page: Page) -> None:
    page.locator("dialog.confirm .actions button").last.click()
