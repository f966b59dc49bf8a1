"""All that the page of a task shows: read at once, secrets masked, nothing unbounded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from jobrunner.core.estimate import Estimate
from jobrunner.core.explanation import Explanation
from jobrunner.core.history import AttemptRecord
from jobrunner.core.insight import Listing, RunSpan
from jobrunner.core.insight_graph import TaskNode
from jobrunner.core.outcome import label
from jobrunner.core.sent import EventWait
from jobrunner.core.status import Status
from jobrunner.core.task import Task
from jobrunner.task_queue import TaskQueue
from jobrunner.web.pages.shown import Shown, Text
from jobrunner.web.pages.story import Block, Chapter, drawn, story

ATTEMPTS: Final = 20
"""So many attempts are shown, and of so many of the newest what they wrote."""
WHOLE: Final = 3

STEPS: Final = 100
RUNS: Final = 50
_TOLD_ANYWAY: Final = ("ended", "running", "stopping")

DOTS_WIDE: Final = 600.0
DOTS_HIGH: Final = 48.0


@dataclass(frozen=True, slots=True)
class AttemptShown:
    """An attempt that has ended; what it wrote is left out for old ones."""

    record: AttemptRecord
    outcome: str
    ran_s: float
    error: str
    stdout: Text
    stderr: Text
    traceback: Text
    is_whole: bool


@dataclass(frozen=True, slots=True)
class LiveShown:
    """What the attempt that runs has written so far."""

    stdout: Text
    stderr: Text

    @classmethod
    def of(cls, queue: TaskQueue, task: Task[Any], shown: Shown) -> "LiveShown | None":
        """Nothing where none runs. Only whole lines: half a secret cannot be told from a word."""
        if task.status is not Status.IN_PROGRESS:
            return None
        found = queue.written(task.id)
        if found.outcome is not None:
            return None
        lines = [text[: text.rfind("\n") + 1] for text in (found.stdout.text, found.stderr.text)]
        return cls(*map(shown.output, lines))


@dataclass(frozen=True, slots=True)
class StepShown:
    """A step that is done."""

    name: str
    result: Text
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class ReasonShown:
    """One thing that is to say of why it does not run, with the tasks that have to do with it."""

    text: str
    hint: str
    is_blocking: bool
    at: datetime | None
    tasks: Sequence[tuple[TaskNode, str]]


@dataclass(frozen=True, slots=True)
class Dot:
    """Another run of the same function."""

    run: RunSpan
    x: float
    y: float
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """What a page tells of a task."""

    task: Task[Any]
    name: str
    command: str
    args: Text
    kwargs: Text
    result: Text
    error: Text
    note: str
    left: Estimate
    left_text: str
    attempts: Listing[AttemptShown]
    live: LiveShown | None
    chapters: Sequence[Chapter]
    blocks: Sequence[Block]
    reasons: Sequence[ReasonShown]
    is_runnable: bool
    waits: Sequence[EventWait]
    steps: Listing[StepShown]
    dots: Sequence[Dot]
    has_neighbours: bool
    has_dependents: bool
    unique_key: str
    concurrency_key: str


def look(queue: TaskQueue, task: Task[Any]) -> TaskView:
    """Read what stands around a task."""
    shown, now = Shown(task), queue.clock.now()
    attempts = queue.insight.attempts(task.id, ATTEMPTS)
    chapters = story(task, attempts, now)
    steps = queue.insight.steps(task.id, STEPS)
    explanation = queue.explain(task.id)
    around = queue.insight.neighbours(task.id)
    left = queue.estimates.left(task)
    return TaskView(
        task=task,
        name=shown.name,
        command=shown.command,
        args=shown.value(task.args) if task.args else Text(""),
        kwargs=shown.value(task.kwargs) if task.kwargs else Text(""),
        result=shown.value(task.returned) if task.status is Status.COMPLETED else Text(""),
        error=shown.output(task.error),
        note=shown.line(task.progress.note) if task.progress else "",
        left=left,
        left_text=shown.line(str(left)),
        attempts=_attempts(attempts, shown),
        live=LiveShown.of(queue, task, shown),
        chapters=chapters,
        blocks=drawn(chapters),
        reasons=_reasons(explanation, shown),
        is_runnable=explanation.is_runnable,
        waits=queue.events.waits(task=task.id),
        steps=Listing(
            tuple(
                StepShown(shown.line(one.name), shown.value(one.result, 2_000), one.stored_at)
                for one in steps
            ),
            steps.is_cut,
        ),
        dots=dots(queue.insight.spans(task.function, RUNS), task) if task.function else (),
        has_neighbours=bool(around.edges),
        has_dependents=any(edge.parent == task.id for edge in around.edges),
        unique_key=shown.line(task.unique_key),
        concurrency_key=shown.line(task.concurrency_key),
    )


def _reasons(found: Explanation, shown: Shown) -> list[ReasonShown]:
    """What the page does not tell by itself."""
    return [
        ReasonShown(
            shown.line(one.text),
            one.hint,
            one.is_blocking,
            one.at,
            [(node, shown.line(node.name)) for node in one.tasks],
        )
        for one in found.reasons
        if one.kind not in _TOLD_ANYWAY
    ]


def _attempts(found: Listing[AttemptRecord], shown: Shown) -> Listing[AttemptShown]:
    newest = found[::-1]
    return Listing(
        tuple(_attempt(one, shown, is_whole=at < WHOLE) for at, one in enumerate(newest)),
        found.is_cut,
    )


def _attempt(one: AttemptRecord, shown: Shown, *, is_whole: bool) -> AttemptShown:
    nothing = Text("")
    return AttemptShown(
        record=one,
        outcome=label(one.outcome),
        ran_s=max(0.0, (one.ended_at - one.started_at).total_seconds()),
        error=shown.line(one.error),
        stdout=shown.output(one.stdout) if is_whole else nothing,
        stderr=shown.output(one.stderr) if is_whole else nothing,
        traceback=shown.output(one.traceback) if is_whole else nothing,
        is_whole=is_whole,
    )


def dots(runs: Sequence[RunSpan], task: Task[Any]) -> list[Dot]:
    """The last runs of a function as dots, the older to the left, the longer the higher."""
    longest = max((run.run_s for run in runs), default=0.0) or 1.0
    step = DOTS_WIDE / max(1, len(runs))
    return [
        Dot(
            run,
            round((at + 0.5) * step, 1),
            round(DOTS_HIGH - 7 - max(0.0, run.run_s) / longest * (DOTS_HIGH - 14), 1),
            run.task_id == task.id,
        )
        for at, run in enumerate(runs)
    ]
