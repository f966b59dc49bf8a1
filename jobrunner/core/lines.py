"""JSON lines as tasks: each checked and named by its number, all of them or none."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

from jobrunner.core.errors import InvalidTaskError, JobrunnerError, UnknownParentError
from jobrunner.core.fields import is_list
from jobrunner.core.graph import parents_first
from jobrunner.core.line_results import check_arguments, refs_named, with_results
from jobrunner.core.line_values import READERS
from jobrunner.core.new_task import NewTask

KEYS: Final = (
    "ref",
    "function",
    "command",
    "args",
    "kwargs",
    "after",
    "after_any",
    "queue",
    "priority",
    "description",
    "delay",
    "run_at",
    "expires_in",
    "expires_at",
    "timeout",
    "max_attempts",
    "cwd",
    "concurrency_key",
    "needs",
    "unique",
    "cache",
    "result",
    "results",
)

EVERY: Final = 1_000
"""Lines between two movements of the progress bar."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Tasks in the order of their lines, each with its ref, or its line's number as text."""

    tasks: list[NewTask[Any]]
    refs: list[str]
    numbers: list[int]

    def check_names(self) -> None:
        """Make sure that each task has a name of its own.

        Raises:
            InvalidLineError: a ref is also the number of a line that has none.
        """
        seen: set[str] = set()
        for number, ref in zip(self.numbers, self.refs, strict=True):
            if ref in seen:
                problem = f"{ref!r} is both a ref and the number of a line without one"
                raise InvalidLineError(number, problem)
            seen.add(ref)

    def line_of(self, parent: int) -> int | None:
        """The number of the first line that names a task outside as a parent."""
        named = (
            number
            for number, task in zip(self.numbers, self.tasks, strict=True)
            if parent in (*task.after, *task.after_any, *check_arguments(task))
        )
        return next(named, None)


Line = tuple[int, dict[str, Any]]
"""A line's number, from 1, and its object."""


def read_lines(
    data: bytes,
    make: Callable[..., NewTask[Any]],
    *,
    progress: Callable[[int, int | None], None] = lambda _done, _total: None,
) -> Parsed:
    """Turn JSON lines into tasks; `make(function, **fields)` makes those of functions.

    Raises:
        InvalidLineError: a line is not right; it is named by its number.
        CycleError: lines wait for each other; they are named by their refs.
    """
    lines = [object_of(number, raw) for number, raw in numbered(data)]
    return read_objects(lines, make, progress=progress)


def read_objects(
    lines: list[Line],
    make: Callable[..., NewTask[Any]],
    *,
    progress: Callable[[int, int | None], None] = lambda _done, _total: None,
) -> Parsed:
    """Turn the objects of lines into tasks; their keys have been checked.

    Raises:
        InvalidLineError: a line is not right; it is named by its number.
        CycleError: lines wait for each other; they are named by their refs.
    """
    by_ref = _by_ref(lines)
    tasks: dict[int, NewTask[Any]] = {}
    order = _parents_first(lines, by_ref)
    for done, at in enumerate(order):
        number, line = lines[at]
        try:
            tasks[at] = task_of(line, make, lambda ref: tasks[by_ref[ref]])
            check_arguments(tasks[at])
        except JobrunnerError as error:
            raise InvalidLineError(number, error) from error
        if done % EVERY == 0:
            progress(done, len(order))
    names = [name_of(number, line) for number, line in lines]
    return Parsed([tasks[at] for at in range(len(lines))], names, [number for number, _ in lines])


class InvalidLineError(InvalidTaskError):
    """A line that cannot become a task."""

    def __init__(self, number: int, problem: JobrunnerError | str) -> None:
        """`number` counts from 1."""
        hint = getattr(problem, "hint", "")
        if "nothing was enqueued" not in hint:
            hint = f"{hint} Nothing was enqueued.".lstrip()
        super().__init__(f"line {number}: {problem}", hint=hint)
        self.number = number
        self.problem = str(problem)


def numbered(data: bytes) -> Iterable[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers."""
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if raw.strip():
            yield number, raw


def object_of(number: int, raw: bytes) -> Line:
    """The object of a line.

    Raises:
        InvalidLineError: it is none, or its keys are not right.
    """
    try:
        line: Any = json.loads(raw.decode(), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise InvalidLineError(number, "it is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise InvalidLineError(number, f"it is not JSON: {error}") from error
    return checked(number, line)


def checked(number: int, line: object) -> Line:
    """A line that was read elsewhere.

    Raises:
        InvalidLineError: it is no object, or its keys are not right.
    """
    if not isinstance(line, dict):
        raise InvalidLineError(number, "it is not a JSON object")
    known = cast("dict[str, Any]", line)
    _check_keys(number, known)
    return number, known


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_keys(number: int, line: dict[str, Any]) -> None:
    unknown = [key for key in line if key not in KEYS]
    if unknown:
        known = ", ".join(KEYS)
        raise InvalidLineError(
            number, InvalidTaskError(f"unknown key {unknown[0]!r}", hint=f"Known: {known}.")
        )
    for key in ("after", "after_any"):
        parents = line.get(key, [])
        if not is_list(parents) or not all(map(_is_parent, parents)):
            raise InvalidLineError(number, f"{key} must be a list of refs and ids")
    if not isinstance(line.get("ref", ""), str) or line.get("ref") == "":
        raise InvalidLineError(number, "ref must be a text")


def _is_parent(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def name_of(number: int, line: dict[str, Any]) -> str:
    """The ref of a line, or its number as text."""
    return str(line.get("ref", number))


def _by_ref(lines: list[Line]) -> dict[str, int]:
    found: dict[str, int] = {}
    for at, (number, line) in enumerate(lines):
        if "ref" in line and found.setdefault(line["ref"], at) != at:
            first = lines[found[line["ref"]]][0]
            raise InvalidLineError(number, f"ref {line['ref']!r} stands already at line {first}")
    return found


def _parents_first(lines: list[Line], by_ref: dict[str, int]) -> list[int]:
    """Edges may point forward; a task is made after its parents."""
    parents: dict[int, list[int]] = {}
    for at, (number, line) in enumerate(lines):
        try:
            refs = refs_named(line)
        except JobrunnerError as error:
            raise InvalidLineError(number, error) from error
        for ref in refs:
            if ref not in by_ref:
                raise InvalidLineError(number, UnknownParentError(ref))
        parents[at] = [by_ref[ref] for ref in refs]
    return parents_first(parents, name=lambda at: name_of(*lines[at]))


def task_of(
    line: dict[str, Any],
    make: Callable[..., NewTask[Any]],
    find: Callable[[str], NewTask[Any]],
) -> NewTask[Any]:
    """The task of a line; `find` gives those of the refs it names.

    Raises:
        JobrunnerError: it cannot be made.
    """
    fields = {key: value for key, value in line.items() if key != "ref" and value is not None}
    for key in ("after", "after_any"):
        if key in fields:
            fields[key] = [find(p) if isinstance(p, str) else p for p in fields[key]]
    for key, read in READERS.items():
        if key in fields:
            fields[key] = read(key, fields[key])
    fields = with_results(fields, find)
    if isinstance(fields.get("function"), str) and "command" not in fields:
        return make(fields.pop("function"), **fields)
    return NewTask(**fields)
