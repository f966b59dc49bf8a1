"""`jobrunner enqueue`: one function, one command, or many tasks from JSON lines."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from jobrunner.cli import render
from jobrunner.cli.amounts import parse_amounts
from jobrunner.cli.cached import Inputs, Outputs, WithCache, asked
from jobrunner.cli.lines import InvalidLineError, Parsed, read_lines
from jobrunner.cli.spans import parse_expiry, parse_moment, parse_span
from jobrunner.cli.unique import (
    IfExists,
    MaxWait,
    UniqueFor,
    UniqueKey,
    UniqueWhile,
    from_options,
)
from jobrunner.core.errors import ConfigurationError, InvalidTaskError, UnknownParentError

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.core.task import Task, TaskId

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
    expires: Annotated[
        str | None, typer.Option(help="Not started after so long, or after a moment.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="What people see.")] = None,
    key: Annotated[
        str | None, typer.Option(help="Concurrency key: its tasks share limits, one at a time.")
    ] = None,
    needs: Annotated[
        str | None, typer.Option(help="What its worker must offer: gpu=1,memory=4.")
    ] = None,
    cwd: Annotated[
        Path | None, typer.Option(help="The command's folder; default: the worker's.")
    ] = None,
    unique: UniqueKey = None,
    unique_for: UniqueFor = None,
    unique_while: UniqueWhile = None,
    if_exists: IfExists = None,
    max_wait: MaxWait = None,
    cache: WithCache = False,
    inputs: Inputs = None,
    outputs: Outputs = None,
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
        "concurrency_key": key,
        "needs": parse_amounts(needs) if needs is not None else None,
        "cwd": str(cwd.absolute()) if cwd is not None else None,
        "unique": from_options(
            unique,
            unique_for=unique_for,
            unique_while=unique_while,
            if_exists=if_exists,
            max_wait=max_wait,
        ),
        "cache": asked(cache, inputs, outputs),
    }
    fields = {name: value for name, value in given.items() if value is not None}
    fields |= parse_expiry(expires) if expires is not None else {}
    state: State = context.obj
    _check_one_kind(function, state.command, source)
    task_ids: Sequence[int]
    if source is not None:
        task_ids = _many(state, source, fields, as_json=as_json)
    else:
        task = _one(state, function, arguments or [], fields)
        task_ids = [task.id]
        _tell(task, as_json=as_json)
    if wait or wait_timeout is not None:
        render.flush()
        _wait(state, task_ids, wait_timeout)


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
) -> "Task[Any]":
    from jobrunner.core.new_task import NewTask  # noqa: PLC0415 — `--help` must be quick

    new: NewTask[Any]
    if function is None:
        new = NewTask(command=state.command, **fields)
    else:
        new = state.queue.new_task(function, kwargs=named_arguments(arguments), **fields)
    return state.queue.enqueue(new)


def _tell(task: "Task[Any]", *, as_json: bool) -> None:
    if task.is_duplicate:
        render.talk(f"task {task.id} has this unique key already; it is {task.status}")
    if as_json:
        render.as_json({"id": task.id} | ({"is_duplicate": True} if task.is_duplicate else {}))
    else:
        render.out(task.id)


def named_arguments(arguments: Sequence[str]) -> dict[str, Any]:
    """Read words such as `name=text` and `name:=json`.

    Raises:
        InvalidTaskError: one is none, or a name comes twice.
    """
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


def _many(state: "State", source: str, fields: dict[str, Any], *, as_json: bool) -> "list[TaskId]":
    if fields:
        names = ", ".join(sorted(fields))
        raise ConfigurationError(
            f"with --from, each line tells its own {names}", hint="Put it into the lines."
        )
    with render.bar("Reading") as show:
        parsed = read_lines(source_data(source), state.queue.new_task, progress=show)
    if as_json:
        parsed.check_names()
    ids = _stored(state, parsed)
    if as_json:
        render.as_json(dict(zip(parsed.refs, ids, strict=True)))
    else:
        render.out("\n".join(map(str, ids))) if ids else None
    return ids


def _stored(state: "State", parsed: Parsed) -> "list[TaskId]":
    try:
        with render.pulse(f"Storing {len(parsed.tasks):,} tasks"):
            return state.queue.enqueue_ids(parsed.tasks)
    except UnknownParentError as error:
        line = parsed.line_of(int(error.parent))
        if line is None:
            raise
        raise InvalidLineError(line, error) from error


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
