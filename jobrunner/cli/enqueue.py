"""`jobrunner enqueue`: one function, one command, or many tasks from JSON lines."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from jobrunner.cli import render
from jobrunner.cli.amounts import parse_amounts
from jobrunner.cli.arguments import named_arguments
from jobrunner.cli.cached import Inputs, Outputs, WithCache, asked
from jobrunner.cli.enqueue_lines import as_batch, store_lines
from jobrunner.cli.enqueue_options import (
    After,
    AfterAny,
    Arguments,
    At,
    BatchName,
    Delay,
    Description,
    Expires,
    Folder,
    FunctionName,
    Key,
    MaxAttempts,
    Needs,
    OnEnd,
    OnFailure,
    OnlyPlan,
    OnQueue,
    OnSuccess,
    Priority,
    ResultOf,
    Source,
    Timeout,
    Wait,
    WithResults,
)
from jobrunner.cli.options import AtMost, Json
from jobrunner.cli.plan import read_plan, show_plan
from jobrunner.cli.spans import parse_expiry, parse_moment, parse_span
from jobrunner.cli.unique import (
    IfExists,
    MaxWait,
    UniqueFor,
    UniqueKey,
    UniqueWhile,
    from_options,
)
from jobrunner.core.errors import ConfigurationError

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.core.task import Task


def enqueue(
    context: typer.Context,
    *,
    function: FunctionName = None,
    arguments: Arguments = None,
    source: Source = None,
    queue: OnQueue = None,
    priority: Priority = None,
    delay: Delay = None,
    at: At = None,
    after: After = None,
    after_any: AfterAny = None,
    timeout: Timeout = None,
    max_attempts: MaxAttempts = None,
    expires: Expires = None,
    description: Description = None,
    key: Key = None,
    needs: Needs = None,
    cwd: Folder = None,
    unique: UniqueKey = None,
    unique_for: UniqueFor = None,
    unique_while: UniqueWhile = None,
    if_exists: IfExists = None,
    max_wait: MaxWait = None,
    cache: WithCache = False,
    inputs: Inputs = None,
    outputs: Outputs = None,
    result: ResultOf = None,
    results: WithResults = False,
    batch: BatchName = None,
    on_success: OnSuccess = None,
    on_failure: OnFailure = None,
    on_end: OnEnd = None,
    plan: OnlyPlan = False,
    wait: Wait = False,
    wait_timeout: AtMost = None,
    as_json: Json = False,
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
        "result": result,
        "results": results or None,
    }
    callbacks = {"on_success": on_success, "on_failure": on_failure, "on_end": on_end}
    fields = {name: value for name, value in given.items() if value is not None}
    fields |= parse_expiry(expires) if expires is not None else {}
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
        task = _one(state, function, arguments or [], fields)
        task_ids = [task.id]
        _tell(task, as_json=as_json)
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
