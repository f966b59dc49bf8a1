"""`jobrunner task retry|cancel|delete`: by their ids, or many that have something in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import typer

from jobrunner.cli import render
from jobrunner.cli.filters import (
    Downstream,
    DryRun,
    Every,
    FailedOnly,
    Ids,
    NewerThan,
    OfBatch,
    OfFunction,
    OfQueue,
    OlderThan,
    WithError,
    WithStatus,
    Yes,
)
from jobrunner.cli.options import Json
from jobrunner.cli.spans import parse_span
from jobrunner.core.bulk import Act, Done, NothingMatchedError, Wanted
from jobrunner.core.errors import ConfigurationError, JobrunnerError, TaskStateError
from jobrunner.core.status import Status

if TYPE_CHECKING:
    from jobrunner.cli.state import State

ASK_ABOVE: Final = 100
"""So many tasks are changed without a question."""


TOLD: Final = {
    Act.RETRY: "will run again",
    Act.CANCEL: "cancelled, or asked to stop",
    Act.DELETE: "deleted",
}


@dataclass(frozen=True, slots=True)
class How:
    """How a command is to go about it."""

    dry_run: bool
    yes: bool
    as_json: bool


def retry(
    context: typer.Context,
    *,
    task_ids: Ids = None,
    status: WithStatus = None,
    queue: OfQueue = None,
    function: OfFunction = None,
    error: WithError = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    batch: OfBatch = None,
    every: Every = False,
    downstream: Downstream = False,
    failed_only: FailedOnly = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Run tasks again that have failed or were cancelled.

    By their ids, or all that match; unless a status is named, those that have failed. With
    --downstream also one that has completed, and all that depends on it.
    """
    state: State = context.obj
    how = How(dry_run, yes, as_json)
    wanted = _wanted(state, locals())
    if downstream or failed_only:
        rewind(state, wanted, how, failed_only=failed_only)
    elif wanted.ids and not dry_run:
        each(wanted.ids, lambda task_id: state.stored.retry(task_id).value, as_json=as_json)
    else:
        _many(state, Act.RETRY, wanted, how)


def cancel(
    context: typer.Context,
    *,
    task_ids: Ids = None,
    status: WithStatus = None,
    queue: OfQueue = None,
    function: OfFunction = None,
    error: WithError = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    batch: OfBatch = None,
    every: Every = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Cancel waiting tasks; have running ones stopped.

    By their ids, or all that match.
    """
    state: State = context.obj
    how = How(dry_run, yes, as_json)
    wanted = _wanted(state, locals())
    told = {Status.CANCELLED: "cancelled", Status.IN_PROGRESS: "asked to stop"}
    if wanted.ids and not dry_run:
        each(wanted.ids, lambda task_id: told[state.stored.cancel(task_id)], as_json=as_json)
    else:
        _many(state, Act.CANCEL, wanted, how)


def delete(
    context: typer.Context,
    *,
    task_ids: Ids = None,
    status: WithStatus = None,
    queue: OfQueue = None,
    function: OfFunction = None,
    error: WithError = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    batch: OfBatch = None,
    every: Every = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete tasks with all that is stored of them.

    By their ids, or all that match; unless a status is named, those that have ended. Never one
    that runs, nor one that an unfinished task needs.
    """
    state: State = context.obj
    how = How(dry_run, yes, as_json)
    _many(state, Act.DELETE, _wanted(state, locals()), how)


def _wanted(state: "State", given: dict[str, Any]) -> Wanted:
    now = state.queue.clock.now()
    return Wanted(
        ids=given["task_ids"] or (),
        status=given["status"],
        queue=given["queue"],
        function=given["function"],
        error=given["error"],
        older_than=_ago(given["older_than"], now),
        newer_than=_ago(given["newer_than"], now),
        batch_id=given["batch"],
        every=given["every"],
    )


def _ago(span: str | None, now: datetime) -> datetime | None:
    return None if span is None else now - parse_span(span)


def rewind(state: "State", wanted: Wanted, how: How, *, failed_only: bool) -> None:
    """Have tasks run again with all that depends on them.

    Raises:
        ConfigurationError: they are not named by their ids.
    """
    if not wanted.ids or how.dry_run:
        raise ConfigurationError(
            "tasks are rewound by their ids", hint="jobrunner task retry ID --downstream."
        )

    def act(task_id: int) -> str:
        return f"{len(state.stored.rewind(task_id, failed_only=failed_only))} rewound"

    each(wanted.ids, act, as_json=how.as_json)


def each(task_ids: Sequence[int], act: Callable[[int], str], *, as_json: bool) -> None:
    """Act on each task, tell what came of it; the first error decides the exit code."""
    first: JobrunnerError | None = None
    done: dict[str, str] = {}
    for task_id in task_ids:
        try:
            done[str(task_id)] = act(task_id)
        except JobrunnerError as error:
            if first is not None:
                render.talk(f"jobrunner: {error}.")
            first = first or error
    if as_json:
        render.as_json(done)
    else:
        for name, said in done.items():
            render.out(f"task {name}: {said}")
    if first is not None:
        raise first


def _many(state: "State", act: Act, wanted: Wanted, how: How) -> None:
    fields = {name: getattr(wanted, name) for name in Wanted.__slots__}
    bulk = state.stored.bulk
    matched = bulk.count(act, **fields)
    if not matched:
        raise NothingMatchedError
    done = Done()
    if not how.dry_run:
        confirm(matched, f"{act} them", yes=how.yes or matched <= ASK_ABOVE)
        with render.bar(f"{act} {matched:,} tasks", matched) as show:
            done = bulk.do(act, lambda seen: show(seen, matched), **fields)
    _tell(act, matched, done, how)


def confirm(matched: int, what: str, *, yes: bool) -> None:
    """Ask the person at a terminal; nobody is asked in a script.

    Raises:
        typer.Abort: the answer is no.
    """
    if not yes and render.takes_answers():
        typer.confirm(f"{matched:,} tasks match. {what.capitalize()}?", abort=True, err=True)


def _tell(act: Act, matched: int, done: Done, how: How) -> None:
    if how.as_json:
        refused = [{"id": one.task_id, "why": one.why} for one in done.refused]
        render.as_json(
            {
                "matched": matched,
                "done": done.done,
                "refused": done.refused_count,
                "first_refused": refused,
                "dry_run": how.dry_run,
            }
        )
    elif how.dry_run:
        render.out(f"{matched:,} tasks match; nothing was changed.")
    else:
        render.out(f"{done.done:,} of {matched:,} tasks: {TOLD[act]}.")
    for one in done.refused[1:]:
        render.talk(f"jobrunner: task {one.task_id} {one.why}.")
    if done.refused:
        first, *_ = done.refused
        left = f"; {done.refused_count:,} tasks were left as they are" * (done.refused_count > 1)
        raise TaskStateError(first.task_id, f"{first.why}{left}")
