"""A secret that tasks hold, or wrote, is on no page, nor in what pages draw."""

import sys

import pytest

from jobrunner import NewTask
from jobrunner.core.masking import MASK
from jobrunner.core.task import Task
from tests.web.task_data import SECRET, run

PAGES = (
    "/",
    "/overview/figures",
    "/tasks",
    "/tasks/{failed}",
    "/tasks/{failed}/log",
    "/tasks/{waiting}",
    "/tasks/{waiting}/neighbours",
    "/tasks/{waiting}/change",
    "/tasks/new?like={failed}",
    "/graph/{failed}",
    "/graph/{failed}?view=gantt",
    "/graph/{failed}?view=table",
    "/timeline",
    "/timeline?view=table",
    "/workers",
    "/queues",
    "/queues/default",
    "/schedules",
    "/schedules/nightly",
    "/system",
    "/api/v1/graph/{failed}",
    "/api/v1/timeline",
    "/api/v1/tasks/{failed}/explain",
    "/api/v1/tasks/{waiting}/explain",
)


@pytest.fixture
def made(queue) -> dict[str, Task]:
    program = f"raise SystemExit('no login, password={SECRET}')"
    command = (sys.executable, "-c", program, "--password", SECRET)
    failed = queue.enqueue(NewTask(command=command, max_attempts=1))
    waiting = queue.enqueue(NewTask(command=command, after=[failed]))
    named = NewTask(function="work", kwargs={"password": SECRET}, description=f"token={SECRET}")
    queue.enqueue(named)
    queue.schedules.add("nightly", "@daily", NewTask(command=command))
    queue.schedules.add("named", "@daily", NewTask(function="work", kwargs={"password": SECRET}))
    run(queue, 2)
    return {"failed": failed, "waiting": waiting}


def test_no_page_shows_a_secret(client, made):
    ids = {name: task.id for name, task in made.items()}
    for page in PAGES:
        answer = client.get(page.format(**ids))
        assert answer.status_code == 200, page
        assert SECRET not in answer.text, page


def test_what_is_left_says_that_there_is_one(client, made):
    for page in ("/", f"/graph/{made['failed'].id}", "/queues/default", "/schedules/nightly"):
        assert MASK in client.get(page).text, page
