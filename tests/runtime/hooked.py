"""An application with hooks, importable from child processes too."""

from pathlib import Path

from jobrunner import TaskQueue

hooked = TaskQueue("never-opened.db")
BROKEN: set[str] = set()
"""Hooks that raise; in the process of the test only."""
PLACE: list[str] = []
"""Where the hooks of the test's own process leave their notes."""


def note(path: str, *words: object) -> None:
    """Leave a line where the test finds it, whatever process this is."""
    with Path(path).open("a") as notes:
        notes.write(" ".join(map(str, words)) + "\n")


@hooked.before_attempt
def before(attempt):
    note(attempt.kwargs["notes"], "before", attempt.task_id, attempt.function, attempt.attempt)
    if attempt.kwargs.get("stop_before"):
        raise ValueError("not today")


@hooked.after_attempt
def after(attempt):
    note(attempt.kwargs["notes"], "after", attempt.task_id, attempt.outcome, attempt.error)
    if attempt.kwargs.get("break_after"):
        raise RuntimeError("the hook is broken")


@hooked.on_failure
def failed(change):
    note(PLACE[0], "failed", change.task_id, change.name, change.attempt, change.error)


@hooked.on_status
def changed(change):
    note(PLACE[0], "status", change.task_id, change.status)
    if "status" in BROKEN:
        raise SystemExit


@hooked.task(max_attempts=1)
def work(n: int, *, notes: str, **_: bool) -> int:
    note(notes, "work", n)
    if n < 0:
        raise ValueError("negative")
    return n


@hooked.task
async def work_async(n: int, *, notes: str) -> int:
    note(notes, "work", n)
    return n
