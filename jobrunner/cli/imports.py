"""`jobrunner import`: what waits in another system, as tasks here."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json
from jobrunner.core.errors import ConfigurationError

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.core.foreign import Foreign, Prepared
    from jobrunner.core.new_task import NewTask

Names = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="THERE=HERE",
        help="What a function is called there and here: tasks.add=add; repeatable.",
    ),
]
AllowPickle = Annotated[
    bool, typer.Option("--allow-pickle", help="Read pickles, as far as they are plain data.")
]
OnQueue = Annotated[str | None, typer.Option("--queue", "-q", help="All into this queue.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would be stored, and what would not.")
]


def huey(
    context: typer.Context,
    *,
    source: Annotated[Path, typer.Argument(metavar="FILE", help="The file of SqliteHuey.")],
    names: Names = None,
    queue: OnQueue = None,
    allow_pickle: AllowPickle = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take over what waits in a file of Huey. The file stays as it is; stop its consumers first.

    To import again stores nothing twice.
    """
    from jobrunner.core import huey_message  # noqa: PLC0415 — `--help` needs no SQLAlchemy
    from jobrunner.storage.huey_file import pending  # noqa: PLC0415

    messages = pending(source)
    if messages and not allow_pickle:
        _refuse_pickles(len(messages), "Huey")
    found = [huey_message.read(data, number=at) for at, data in enumerate(messages, start=1)]
    _import(context.obj, found, names, queue, dry_run=dry_run, as_json=as_json)


def rq(
    context: typer.Context,
    *,
    source: Annotated[str, typer.Argument(metavar="URL", help="Its Redis: redis://HOST:6379/0.")],
    names: Names = None,
    queue: OnQueue = None,
    allow_pickle: AllowPickle = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take over what waits in RQ. The server stays as it is; stop RQ's workers first.

    To import again stores nothing twice.
    """
    from jobrunner.contrib.rq import pending  # noqa: PLC0415 — `--help` needs no SQLAlchemy

    found = pending(source, allow_pickle=allow_pickle)
    pickled = sum(one.is_pickled for one in found)
    if pickled and not allow_pickle:
        _refuse_pickles(pickled, "RQ")
    _import(context.obj, found, names, queue, dry_run=dry_run, as_json=as_json)


def _refuse_pickles(number: int, system: str) -> None:
    raise ConfigurationError(
        f"{system} has pickled {number:,} of these tasks, and whoever writes a pickle"
        " decides what code it runs when it is read",
        hint="If you trust the source, add --allow-pickle: only plain data are read even then.",
    )


def _import(
    state: "State",
    found: "Sequence[Foreign]",
    names: Sequence[str] | None,
    queue: str | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    from jobrunner.core.foreign import prepared  # noqa: PLC0415 — as above

    here = _here(state, dict(map(_pair, names or ())))

    def make(function: str, **fields: Any) -> "NewTask[Any]":
        return state.queue.new_task(here(function), **fields)

    ready = prepared(found, make, queue=queue)
    if dry_run:
        _show(ready, as_json=as_json)
    else:
        _store(state, ready, as_json=as_json)
    if ready.refused:
        raise typer.Exit(1)


def _pair(word: str) -> tuple[str, str]:
    """Read `there=here`."""
    there, sign, here = word.partition("=")
    if not (sign and there and here):
        raise ConfigurationError(
            f"{word!r} maps no name to another", hint="Write --map tasks.add=add."
        )
    return there, here


def _here(state: "State", mapped: Mapping[str, str]) -> Callable[[str], str]:
    """What a function is called here: as told, else as there, or by the last part of that."""
    known = set(state.queue.registry.names)

    def name(there: str) -> str:
        last = there.rpartition(".")[2]
        return mapped.get(there) or (last if there not in known and last in known else there)

    return name


def _show(ready: "Prepared", *, as_json: bool) -> None:
    told = [_object(key, new) for key, new in ready.new.items()]
    if as_json:
        render.as_json({"tasks": told, "refused": _refused(ready)})
        return
    columns = ("key~", "function~", "queue~", "run_at")
    render.table(columns, [[one[name.rstrip("~")] for name in columns] for one in told])
    _tell_refused(ready)


def _object(key: str, new: "NewTask[Any]") -> dict[str, Any]:
    from jobrunner.core.objects import moment  # noqa: PLC0415 — as above

    return {
        "key": key,
        "function": new.function,
        "args": list(new.args),
        "kwargs": dict(new.kwargs),
        "queue": new.queue,
        "priority": new.priority,
        "run_at": moment(new.run_at),
        "max_attempts": new.max_attempts,
    }


def _store(state: "State", ready: "Prepared", *, as_json: bool) -> None:
    tasks = state.queue.enqueue_many(ready.new.values())
    stored = [task.id for task in tasks if not task.is_duplicate]
    before = len(tasks) - len(stored)
    if as_json:
        render.as_json({"stored": stored, "there_before": before, "refused": _refused(ready)})
        return
    for task_id in stored:
        render.out(task_id)
    render.talk(f"{len(stored):,} stored; {before:,} were there before.")
    _tell_refused(ready)


def _refused(ready: "Prepared") -> list[dict[str, str]]:
    return [{"key": key, "problem": problem} for key, problem in ready.refused.items()]


def _tell_refused(ready: "Prepared") -> None:
    for key, problem in ready.refused.items():
        render.talk(f"Not imported: {key} {problem}.")
