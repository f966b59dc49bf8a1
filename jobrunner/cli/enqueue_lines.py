"""The lines of a file stored, as a batch where that is asked for."""

from typing import TYPE_CHECKING

from jobrunner.cli import render
from jobrunner.cli.batch import store_batch
from jobrunner.core.errors import ConfigurationError, UnknownParentError
from jobrunner.core.lines import InvalidLineError, Parsed, read_lines

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.core.task import TaskId

AsBatch = tuple[str, dict[str, str]]
"""The description of a batch, and the refs of its callbacks."""


def as_batch(
    batch: str | None, callbacks: dict[str, str | None], source: str | None
) -> AsBatch | None:
    """What makes a batch of the lines of `source`, if that is asked for.

    Raises:
        ConfigurationError: there are none, or callbacks but no batch.
    """
    named = {name: ref for name, ref in callbacks.items() if ref is not None}
    if batch is None and not named:
        return None
    if batch is None or source is None:
        raise ConfigurationError(
            "a batch is made of the lines of a file",
            hint="jobrunner enqueue --from FILE --batch NAME [--on-end REF].",
        )
    return batch, named


def store_lines(
    state: "State", data: bytes, as_batch: AsBatch | None, *, as_json: bool
) -> "list[TaskId]":
    """Store the tasks of a file, and print their ids.

    Raises:
        InvalidTaskError: a line is not right; nothing was stored.
    """
    with render.bar("Reading") as show:
        parsed = read_lines(data, state.queue.new_task, progress=show)
    if as_json:
        parsed.check_names()
    batch_id, ids = _stored(state, parsed, as_batch)
    told = dict(zip(parsed.refs, ids, strict=True))
    if as_json:
        render.as_json({"batch_id": batch_id, "tasks": told} if as_batch else told)
    else:
        render.out("\n".join(map(str, ids))) if ids else None
        render.talk(f"batch {batch_id}") if as_batch else None
    return ids


def _stored(
    state: "State", parsed: Parsed, as_batch: AsBatch | None
) -> "tuple[int | None, list[TaskId]]":
    try:
        with render.pulse(f"Storing {len(parsed.tasks):,} tasks"):
            if as_batch is not None:
                return store_batch(state, parsed, *as_batch)
            return None, state.queue.enqueue_ids(parsed.tasks)
    except UnknownParentError as error:
        line = parsed.line_of(int(error.parent))
        if line is None:
            raise
        raise InvalidLineError(line, error) from error
