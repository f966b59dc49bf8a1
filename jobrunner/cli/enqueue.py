"""`jobrunner enqueue`: one function, one command, or many tasks from JSON lines."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from jobrunner.cli import render
from jobrunner.cli.enqueue_lines import as_batch, store_lines
from jobrunner.cli.plan import read_plan, show_plan
from jobrunner.cli.spans import parse_moment, parse_span
from jobrunner.core.errors import ConfigurationError, InvalidTaskError

if TYPE_CHECKING:
    from jobrunner.cli.state import State

_ARGUMENT: Final = re.compile(r"([^\W\d]\w*)(:?=)(.*)", re.DOTALL)


def enqueue(
    context: typer.Context,
    *,
    function: Annotated[
        str | None, typer.Argument(help="The function's name; or a command after --.")
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[K=V | K:=JSON]...", help="Its arguments: text, or JSON."),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="JSON lines, one task each: a file, or -.")
    ] = None,
    queue: Annotated[str | None, typer.Option("--queue", "-q", help="Queue.")] = None,
    priority: Annotated[
        int | None, typer.Option("--priority", "-p", help="Higher runs first; default 0.")
    ] = None,
    delay: Annotated[str | None, typer.Option(help="Not before so long: 90, 5m, 1h30m.")] = None,
    at: Annotated[str | None, typer.Option(help="Not before this moment, ISO 8601.")] = None,
    after: Annotated[
        list[int] | None, typer.Option(help="Run after this task has completed; repeatable.")
    ] = None,
    after_any: Annotated[
        list[int] | None, typer.Option(help="Run after this task, however it ended.")
    ] = None,
    timeout: Annotated[str | None, typer.Option(help="Stop an attempt after so long.")] = None,
    max_attempts: Annotated[
        int | None, typer.Option(help="Attempts before it fails; default 5.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="What people see.")] = None,
    cwd: Annotated[
        Path | None, typer.Option(help="The command's folder; default: the worker's.")
    ] = None,
    result: Annotated[
        str | None, typer.Option(help="What a command returns: exit_code or stdout.")
    ] = None,
    results: Annotated[
        bool, typer.Option("--results", help="Hand the command a file of its parents' results.")
    ] = False,
    batch: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Store the lines as a batch of this name.")
    ] = None,
    on_success: Annotated[
        str | None, typer.Option(metavar="REF", help="Run this line if the batch completes.")
    ] = None,
    on_failure: Annotated[
        str | None, typer.Option(metavar="REF", help="Run this line if some of it does not.")
    ] = None,
    on_end: Annotated[
        str | None, typer.Option(metavar="REF", help="Run this line once the batch has ended.")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only show the graph of the lines, and its problems.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")] = False,
    wait_timeout: Annotated[str | None, typer.Option(help="Wait at most so long.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Store tasks; prints their ids.

    jobrunner enqueue resize path=a.png width:=400

    jobrunner enqueue --timeout 1h -- ffmpeg -i a.mp4 b.webm

    jobrunner enqueue --from tasks.jsonl
    """
    given = {
        "queue": queue,
        "priority": priority,
        "delay": parse_span(delay) if delay is not None else None,
        "run_at": parse_moment(at) if at is not None else None,
        "after": after,
        "after_any": after_any,
        "timeout": parse_span(timeout) if timeout is not None else None,
        "max_attempts": max_attempts,
        "description": description,
        "cwd": str(cwd.absolute()) if cwd is not None else None,
        "result": result,
        "results": results or None,
    }
    callbacks = {"on_success": on_success, "on_failure": on_failure, "on_end": on_end}
    fields = {name: value for name, value in given.items() if value is not None}
    state: State = context.obj
    _check_one_kind(function, state.command, source)
    if plan and source is None:
        raise ConfigurationError(
            "--plan shows the lines of a file", hint="jobrunner enqueue --from FILE --plan."
        )
    a_batch = as_batch(batch, callbacks, source)
    task_ids: Sequence[int]
    if source is not None:
        _check_no_fields(fields)
        data = source_data(source)
        if plan:
            show_plan(read_plan(data, state.queue.new_task), as_json=as_json)
            return
        task_ids = store_lines(state, data, a_batch, as_json=as_json)
    else:
        task_ids = [_one(state, function, arguments or [], fields)]
        render.as_json({"id": task_ids[0]}) if as_json else render.out(task_ids[0])
    if wait or wait_timeout is not None:
        render.flush()
        _wait(state, task_ids, wait_timeout)


def _check_no_fields(fields: dict[str, Any]) -> None:
    if fields:
        names = ", ".join(sorted(fields))
        raise ConfigurationError(
            f"with --from, each line tells its own {names}", hint="Put it into the lines."
        )


def _check_one_kind(function: str | None, command: list[str] | None, source: str | None) -> None:
    if sum(kind is not None for kind in (function, command, source)) != 1:
        raise ConfigurationError(
            "give one of: a function, a command after --, or --from FILE",
            hint="See `jobrunner enqueue --help`.",
        )
    if command == []:
        raise ConfigurationError("there is no command after --", hint="jobrunner enqueue -- ls -l")


def _one(
    state: "State", function: str | None, arguments: Sequence[str], fields: dict[str, Any]
) -> int:
    from jobrunner.core.new_task import NewTask  # noqa: PLC0415 — `--help` must be quick

    new: NewTask[Any]
    if function is None:
        new = NewTask(command=state.command, **fields)
    else:
        new = state.queue.new_task(function, kwargs=_kwargs(arguments), **fields)
    return state.queue.enqueue_ids([new])[0]


def _kwargs(arguments: Sequence[str]) -> dict[str, Any]:
    kwargs: dict[str, Any] = {}
    for name, value in map(_argument, arguments):
        if name in kwargs:
            raise InvalidTaskError(f"the argument {name!r} is given twice", field="kwargs")
        kwargs[name] = value
    return kwargs


def _argument(word: str) -> tuple[str, Any]:
    """Read `name=text` or `name:=json`."""
    match = _ARGUMENT.fullmatch(word)
    if match is None:
        raise InvalidTaskError(
            f"{word!r} is no argument", field="kwargs", hint="Write name=text or name:=json."
        )
    name, sign, value = match.groups()
    if sign == "=":
        return name, value
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError) as error:
        raise InvalidTaskError(
            f"{name}:={value[:60]} is not JSON: {error}",
            field="kwargs",
            hint=f"Quote it for the shell, or write {name}=… for plain text.",
        ) from error


def source_data(source: str) -> bytes:
    """What is in a file, or comes through stdin if it is named `-`.

    Raises:
        ConfigurationError: it cannot be read.
    """
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {source}: {error.strerror}", hint="Name a file of JSON lines, or -."
        ) from error


def _wait(state: "State", task_ids: Sequence[int], timeout: str | None) -> None:
    from jobrunner.cli.control import wait_for  # noqa: PLC0415 — `control` is another command

    wait_for(state, task_ids, timeout)
