"""The form that adds a schedule: what was written in it, and what that means."""

import json
import shlex
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, cast

from fastapi import Form

from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.new_task import LONGEST_QUEUE, NewTask
from jobrunner.core.schedule import LONGEST_NAME, ScheduleOptions
from jobrunner.core.schedule_errors import InvalidScheduleError
from jobrunner.task_queue import TaskQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was written, as it was written."""

    name: str = ""
    rule: str = ""
    tz: str = "UTC"
    function: str = ""
    kwargs: str = ""
    command: str = ""
    queue: str = ""
    missed: str = "one"
    overlap: str = "skip"


class Meant(NamedTuple):
    """A schedule to add."""

    name: str
    rule: str
    task: NewTask[Any]
    options: ScheduleOptions


def given(
    *,
    name: Annotated[str, Form(max_length=2 * LONGEST_NAME)] = "",
    rule: Annotated[str, Form(max_length=1_000)] = "",
    tz: Annotated[str, Form(max_length=200)] = "",
    function: Annotated[str, Form(max_length=1_000)] = "",
    kwargs: Annotated[str, Form(max_length=100_000)] = "",
    command: Annotated[str, Form(max_length=100_000)] = "",
    queue: Annotated[str, Form(max_length=2 * LONGEST_QUEUE)] = "",
    missed: Annotated[str, Form(max_length=10)] = "one",
    overlap: Annotated[str, Form(max_length=10)] = "skip",
) -> Given:
    """Take it from the request."""
    return Given(
        name=name,
        rule=rule,
        tz=tz.strip() or "UTC",
        function=function.strip(),
        kwargs=kwargs,
        command=command,
        queue=queue,
        missed=missed,
        overlap=overlap,
    )


def read(queue: TaskQueue, form: Given) -> Meant:
    """What it means.

    Raises:
        InvalidScheduleError: there is a schedule of that name; it is not to be changed by mistake.
        InvalidTaskError: it names no task, or two, or the arguments are not JSON.
        UnknownFunctionError: functions are registered here, but none of that name.
    """
    if any(one.name == form.name for one in queue.schedules.list()):
        hint = "Choose another name, or remove that one first."
        raise InvalidScheduleError(f"there is a schedule {form.name!r} already", hint=hint)
    options = {"tz": form.tz, "missed": form.missed, "overlap": form.overlap}
    return Meant(form.name, form.rule, _task(queue, form), cast("ScheduleOptions", options))


def _task(queue: TaskQueue, form: Given) -> NewTask[Any]:
    fields: dict[str, Any] = {"queue": form.queue} if form.queue else {}
    if bool(form.function) == bool(form.command.strip()):
        raise InvalidTaskError("a schedule stores a function or a command: name one of them")
    if form.function:
        return queue.new_task(form.function, kwargs=_arguments(form.kwargs), **fields)
    try:
        return NewTask(command=tuple(shlex.split(form.command)), **fields)
    except ValueError as error:
        raise InvalidTaskError(f"the command cannot be read: {error}", field="command") from error


def _arguments(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidTaskError(f"the arguments are not JSON: {error}", field="kwargs") from error
    if not isinstance(found, dict):
        hint = 'Write them by name: {"width": 800}.'
        raise InvalidTaskError("the arguments are no JSON object", field="kwargs", hint=hint)
    return cast("dict[str, Any]", found)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
