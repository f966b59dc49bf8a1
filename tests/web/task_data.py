"""Tasks of each kind, for tests of the pages that show them; one is nothing but hostile text."""

from datetime import timedelta
from typing import Any

from jobrunner import TaskQueue, context
from jobrunner.core.new_task import NewTask
from jobrunner.core.task import Task
from jobrunner.runtime.worker import Worker

HOSTILE = (
    "<img src=x onerror=alert(1)>\"'></script><script>alert(2)</script>{{ 7*7 }}\u202e\x1b[31m"
)
"""Markup, a template, an override of direction and an escape of terminals."""

SECRET = "hunter2hunter2"  # noqa: S105 — nobody's


def run(queue: TaskQueue, number: int) -> None:
    """Run so many attempts."""
    Worker(queue, concurrency=1).run(max_tasks=number)


def register(queue: TaskQueue) -> None:
    """Functions that end as their names say."""

    @queue.task(name="media.thumbnail", max_attempts=1)
    def thumbnail(path: str, width: int = 200) -> Any:
        return {"path": path, "width": width, "exact": 12345678901234567890123}

    @queue.task(name="reports.fail", max_attempts=1)
    def fail(password: str, text: str) -> None:
        note = f"{text} for {password}"
        raise ValueError(note)

    @queue.task(name="crawl.steps", max_attempts=1)
    def steps() -> str:
        context.step("fetch", lambda: HOSTILE)
        context.progress(3, 10, HOSTILE)
        return HOSTILE

    @queue.task(name="mail.wait", max_attempts=1)
    def wait() -> None:
        context.wait_for("paid")

    @queue.task(name=HOSTILE[:-6], max_attempts=1)
    def hostile(text: str) -> None:
        context.progress(1, 2, text)
        raise ValueError(text)


def hostile_task() -> NewTask[Any]:
    """Hostile text in each field that takes some."""
    return NewTask(
        function=HOSTILE[:-6],
        kwargs={"text": HOSTILE},
        queue=HOSTILE[:60],
        description=HOSTILE,
        max_attempts=1,
        unique=HOSTILE,
        concurrency_key=HOSTILE,
    )


def fill(queue: TaskQueue) -> dict[str, Task[Any]]:
    """One task of each status and kind, by a word for it."""
    register(queue)
    ended = {
        "completed": queue.new_task("media.thumbnail", kwargs={"path": "a.png", "width": 400}),
        "failed": queue.new_task("reports.fail", kwargs={"password": SECRET, "text": "no login"}),
        "steps": queue.new_task("crawl.steps"),
        "hostile": hostile_task(),
        "event": queue.new_task("mail.wait"),
        "command": NewTask(
            command=["sh", "-c", "echo out; echo $0 >&2; exit 3", HOSTILE], max_attempts=1
        ),
    }
    made = dict(zip(ended, queue.enqueue_many(ended.values()), strict=True))
    run(queue, len(ended))
    waiting = {
        "pending": queue.new_task("media.thumbnail", args=["b.png"], queue="mail", priority=5),
        "scheduled": queue.new_task(
            "media.thumbnail", kwargs={"path": "c"}, delay=timedelta(hours=1)
        ),
        "cancelled": queue.new_task(
            "media.thumbnail", kwargs={"path": "d"}, description="not wanted"
        ),
    }
    made |= dict(zip(waiting, queue.enqueue_many(waiting.values()), strict=True))
    blocked = NewTask(function="media.thumbnail", kwargs={"path": "e"}, after=[made["pending"]])
    made["blocked"] = queue.enqueue(blocked)
    queue.cancel(made["cancelled"].id)
    return {word: task.refresh() for word, task in made.items()}
