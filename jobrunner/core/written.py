"""What attempts write: both ends kept of what is long, and told from an offset on."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from jobrunner.core.status import Status
from jobrunner.core.task import TaskId

KEEP: Final = 64 * 1024
"""Characters kept of the beginning, and again of the end, of each stream of an attempt."""

_LEFT_OUT: Final = re.compile(r"\n… ([0-9,]+) characters left out …\n")


class Stream(StrEnum):
    """Where an attempt writes to. What a function logs goes to `stderr`, as it would by itself."""

    STDOUT = "stdout"
    STDERR = "stderr"
    TRACEBACK = "traceback"
    """What a function that failed has left behind; it is told once the attempt has ended."""


@dataclass(frozen=True, slots=True)
class More:
    """What a stream holds behind an offset, and the offset behind that: both in characters."""

    text: str = ""
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one attempt has written: so far or, once it has an `outcome`, all that is kept of it.

    `run` is how many attempts of the task had ended before it; a snoozed one has the same
    `number` as the next. Both are `None` where none has run. `status` is the task's.
    """

    task_id: TaskId
    status: Status
    run: int | None = None
    number: int | None = None
    outcome: str | None = None
    stdout: More = field(default_factory=More)
    stderr: More = field(default_factory=More)
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """Some more of what an attempt has written; `offset` is where its stream goes on."""

    run: int
    number: int
    stream: Stream
    text: str
    offset: int


def clean(text: str) -> str:
    """Text that both databases hold: no NUL, no lone surrogate."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode(errors="backslashreplace").decode()


def joined(head: str, end: str, left_out: int) -> str:
    """Both ends of a stream, and between them what tells how much is left out.

    Where that is nothing, both together are no longer than twice `KEEP`; else each is `KEEP`.
    """
    return f"{head}{_left_out(left_out)}{end}" if left_out else head + end


def since(text: str, offset: int) -> More:
    """What stands behind an offset in a stream, of which `text` is what is kept."""
    gap = _LEFT_OUT.fullmatch(text[KEEP:-KEEP]) if len(text) > 2 * KEEP else None
    if gap is None:
        return More(text[offset:], max(len(text), offset))
    end_at = KEEP + int(gap[1].replace(",", ""))
    if offset >= end_at:
        more = text[-KEEP:][offset - end_at :]
    elif offset <= KEEP:
        more = text[offset:]
    else:
        more = _left_out(end_at - offset) + text[-KEEP:]
    return More(more, max(end_at + KEEP, offset))


def _left_out(characters: int) -> str:
    return f"\n… {characters:,} characters left out …\n"


Look = Callable[[int | None, int, int], Written]
"""Tells of a run, `None` for the newest, what is behind offsets in stdout and in stderr."""


def tail(
    look: Look, wait: Callable[[], None], run: int | None = None, *, once: bool = False
) -> Iterator[Piece]:
    """What attempts write, as they write it, from a run on, until the task has ended.

    Without a `run`, it begins with the newest. With `once` it ends with that run.
    """
    known = {Stream.STDOUT: 0, Stream.STDERR: 0}
    while True:
        found = look(run, *known.values())
        if found.run is None or found.number is None:  # it has not begun
            if found.status.is_final:
                return
            wait()
            continue
        run = found.run
        for piece in _pieces(found, found.run, found.number):
            known[piece.stream] = piece.offset
            yield piece
        if found.outcome is None:
            wait()
        elif once:
            return
        else:
            run, known = run + 1, {Stream.STDOUT: 0, Stream.STDERR: 0}


def _pieces(found: Written, run: int, number: int) -> Iterator[Piece]:
    for stream, more in ((Stream.STDOUT, found.stdout), (Stream.STDERR, found.stderr)):
        if more.text:
            yield Piece(run, number, stream, more.text, more.offset)
    if found.traceback:
        yield Piece(run, number, Stream.TRACEBACK, found.traceback, len(found.traceback))


def written_object(written: Written) -> dict[str, Any]:
    """What an attempt has written, as JSON."""
    return {
        "id": written.task_id,
        "status": written.status.value,
        "run": written.run,
        "number": written.number,
        "outcome": written.outcome,
        "stdout": _more_object(written.stdout),
        "stderr": _more_object(written.stderr),
        "traceback": written.traceback,
    }


def piece_object(piece: Piece) -> dict[str, Any]:
    """A piece, as JSON."""
    return {
        "run": piece.run,
        "number": piece.number,
        "stream": piece.stream.value,
        "text": piece.text,
        "offset": piece.offset,
    }


def _more_object(more: More) -> dict[str, Any]:
    return {"text": more.text, "offset": more.offset}


def written_of(told: Mapping[str, Any]) -> Written:
    """What `written_object` told. One that is none of ours is a KeyError, TypeError, ValueError."""
    return Written(
        task_id=TaskId(told["id"]),
        status=Status(told["status"]),
        run=told["run"],
        number=told["number"],
        outcome=told["outcome"],
        stdout=More(told["stdout"]["text"], told["stdout"]["offset"]),
        stderr=More(told["stderr"]["text"], told["stderr"]["offset"]),
        traceback=told["traceback"],
    )
