"""The report of `jobrunner crashtest`, for people and as JSON."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from jobrunner.cli import render
from jobrunner.cli.spans import span_text
from jobrunner.core.status import OPEN

if TYPE_CHECKING:
    from jobrunner.testing.crash_examine import CrashReport

TOLD: Final = 10
"""Problems, and tasks that ran again, that are told one by one."""

WIDTH: Final = 80
"""Columns of the report."""

NAME: Final = 28
"""Columns of a task's name in it."""


def show_crashes(report: "CrashReport", asked: int) -> None:
    """Print the report for people."""
    rerun = len(report.reruns)
    _line("Kills", _counted(report.killed, report.kills))
    if report.killed < asked:
        all_ended = not any(report.tasks[status] for status in OPEN)
        why = "the tasks ended: give it more or longer ones" if all_ended else "the time was over"
        _line("", f"{asked} were asked for, but {why}")
    _line("Tasks", _counted(sum(report.tasks.values()), report.tasks))
    _line("Attempts", f"{report.attempts}; {rerun} tasks ran more than once")
    _line("Lost", f"{report.lost}")
    _line("Twice", f"{report.completed_twice} completed")
    if report.checked:
        _line("Checked", f"{report.checked}; {len(report.not_idempotent)} not idempotent")
    _line("Elapsed", span_text(report.elapsed_s))
    if report.reruns:
        render.out("")
        render.table(("task>", "name", "status", "attempts>", "lost>", "check"), _rows(report))
        if rerun > TOLD:
            render.talk(f"and {rerun - TOLD} more that ran again; --json tells all")
    for problem in report.problems[:TOLD]:
        render.talk("\n  ".join(textwrap.wrap(f"WRONG: {problem}", WIDTH - 2)))
    if report.problems:
        render.talk(f"Problems found: {len(report.problems)}.")


def _line(name: str, text: str) -> None:
    lines = textwrap.wrap(text, WIDTH - 10)
    render.out(f"{name:10}" + f"\n{'':10}".join(lines))


def _counted(total: int, parts: Any) -> str:
    told = ", ".join(f"{number} {name}" for name, number in parts.items())
    return f"{total}: {told}" if told else f"{total}"


def _rows(report: "CrashReport") -> Iterator[Sequence[render.Cell]]:
    """Those with a complaint first, then those that ran most often."""
    worst = sorted(report.reruns, key=lambda r: (r.complaint is None, -len(r.outcomes), r.task_id))
    for rerun in worst[:TOLD]:
        verdict = "" if not report.checked else "ok" if rerun.complaint is None else "WRONG"
        yield (
            rerun.task_id,
            textwrap.shorten(rerun.name, NAME, placeholder="…"),
            rerun.status.value,
            len(rerun.outcomes),
            rerun.outcomes.count("lost"),
            verdict,
        )


def crash_object(report: "CrashReport", seed: int) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "ok": not report.problems,
        "seed": seed,
        "kills": dict(report.kills),
        "tasks": {status.value: number for status, number in report.tasks.items()},
        "attempts": report.attempts,
        "lost": report.lost,
        "completed_twice": report.completed_twice,
        "reruns": [
            {
                "task_id": rerun.task_id,
                "name": rerun.name,
                "status": rerun.status.value,
                "outcomes": list(rerun.outcomes),
                "error": rerun.error,
                "complaint": rerun.complaint,
            }
            for rerun in report.reruns
        ],
        "checked": report.checked,
        "problems": list(report.problems),
        "elapsed_s": report.elapsed_s,
    }
