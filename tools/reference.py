"""The reference of the Python API: what each public name says of itself."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cached_property
from typing import Any, Final

import jobrunner
from jobrunner.core.errors import JobrunnerError

INTRODUCTION: Final = """
All that `from jobrunner import …` gives, with what it says of itself: `help(jobrunner.TaskQueue)`
says the same. Names that are not here may change. Moments have a time zone, spans are `timedelta`
or seconds where that is said.
"""

PARTS: Final = {
    "queues": "jobrunner.queues:Queues",
    "keys": "jobrunner.queues:Keys",
    "crews": "jobrunner.crews:Crews",
    "schedules": "jobrunner.schedules:Schedules",
    "batches": "jobrunner.batches:Batches",
    "events": "jobrunner.sent:Events",
    "bulk": "jobrunner.bulk:Bulk",
    "hooks": "jobrunner.hooks:Hooks",
    "retention": "jobrunner.retention:RetentionRules",
    "insight": "jobrunner.insights:Insight",
    "estimates": "jobrunner.estimates:Estimates",
    "tokens": "jobrunner.tokens:Tokens",
    "audit": "jobrunner.audit:Audit",
}
"""What hangs on a queue under which name, and where it is; a test holds it to a real queue."""

OPTIONS: Final = (
    "jobrunner.core.options:TaskOptions",
    "jobrunner.core.changes:TaskChanges",
    "jobrunner.core.filter:TaskFilter",
    "jobrunner.core.bulk:BulkFilter",
    "jobrunner.core.batch:Callbacks",
    "jobrunner.core.schedule:ScheduleOptions",
    "jobrunner.core.limits:NewLimits",
    "jobrunner.crews:Whom",
    "jobrunner.runtime.options:WorkerOptions",
)
"""What stands behind `**` in signatures; a test holds it to them."""


def reference() -> Iterator[str]:
    """The lines of the page."""
    yield from ("## Contents", "")
    yield ", ".join(f"[{name}](#{name.lower()})" for name in _names())
    yield from ("", f"Of a queue: {', '.join(f'[{name}](#queue{name})' for name in PARTS)}.")
    for name in _names():
        yield from _entry(name, getattr(jobrunner, name))
    for name, place in PARTS.items():
        found = _found(place)
        yield from ("", f"## `queue.{name}`", "", *_doc(found), *_members(found, f"queue.{name}"))
    yield from ("", "## Options", "", "What may stand where a signature ends in `**`.")
    for place in OPTIONS:
        found = _found(place)
        yield from ("", f"### `{found.__name__}`", "", *_doc(found), "")
        yield from (f"- `{_field(one)}`" for one in _annotated(found))


def _found(place: str) -> type:
    module, _, kind = place.partition(":")
    found: type = getattr(importlib.import_module(module), kind)
    return found


def _names() -> list[str]:
    """What is used most comes first, errors last."""
    first = ["TaskQueue", "Task", "NewTask", "Worker", "Scheduler", "context"]
    rest = [name for name in jobrunner.__all__ if name not in first and name != "__version__"]
    return [*first, *sorted(rest, key=lambda name: (_is_error(name), name.lower()))]


def _is_error(name: str) -> bool:
    found = getattr(jobrunner, name)
    return isinstance(found, type) and issubclass(found, JobrunnerError)


def _entry(name: str, found: Any) -> Iterator[str]:
    yield from ("", f"## `{name}`", "")
    if inspect.isfunction(found):
        yield from (f"`{name}{_signature(found)}`", "", *_doc(found))
        return
    kind = found if isinstance(found, type) else type(found)
    if isinstance(found, type) and not _is_error(name) and (taken := _made_by(found)):
        yield from (f"`{name}{taken}`", "")
    yield from _doc(kind)
    if not _is_error(name):
        yield from _members(kind, name)


def _made_by(kind: type) -> str:
    """How it is made, where that is for its users."""
    if kind.__init__ is object.__init__ or hasattr(kind, "__members__"):
        return ""
    return _fields(kind) if is_dataclass(kind) else _signature(kind.__init__, is_bound=True)


def _members(kind: type, name: str) -> Iterator[str]:
    for member, found in _public(kind):
        if isinstance(found, (property, cached_property)):
            yield from ("", f"### `{name}.{member}`", "", *_doc(found))
        else:
            is_plain = isinstance(inspect.getattr_static(kind, member), (staticmethod, classmethod))
            told = _signature(found, is_bound=not is_plain)
            yield from ("", f"### `{name}.{member}`", "", f"`{member}{told}`", "", *_doc(found))


def _public(kind: type) -> Iterator[tuple[str, Any]]:
    """The methods and properties that say what they do, in the order of the code."""
    seen: set[str] = set()
    for base in kind.__mro__:
        if not base.__module__.startswith("jobrunner"):
            continue
        for member, found in vars(base).items():
            told = getattr(found, "__func__", found)
            is_told = isinstance(told, (property, cached_property)) or inspect.isfunction(told)
            if (
                is_told
                and not member.startswith("_")
                and member not in seen
                and inspect.getdoc(told)
            ):
                seen.add(member)
                yield member, told


def _signature(found: Any, *, is_bound: bool = False) -> str:
    """As it stands in the code."""
    node = _source(found)
    if not isinstance(node, ast.FunctionDef):
        raise TypeError(found)
    if is_bound:
        (node.args.posonlyargs or node.args.args).pop(0)
    returns = ast.unparse(node.returns).strip("'") if node.returns else "None"
    return f"({ast.unparse(node.args)})" + (f" -> {returns}" if returns != "None" else "")


def _fields(kind: type) -> str:
    """What a dataclass is made of."""
    return f"({', '.join(['*', *map(_field, _annotated(kind))])})"


def _field(one: ast.AnnAssign) -> str:
    return re.sub(r"field\(.*", "…", ast.unparse(one))


def _annotated(kind: type) -> Iterator[ast.AnnAssign]:
    node = _source(kind)
    if not isinstance(node, ast.ClassDef):
        raise TypeError(kind)
    yield from (one for one in node.body if isinstance(one, ast.AnnAssign))


def _source(found: Any) -> ast.stmt:
    return ast.parse(textwrap.dedent(inspect.getsource(found))).body[0]


def _doc(found: Any) -> Iterator[str]:
    """A docstring: its paragraphs, and what it raises as a list."""
    for line in (inspect.getdoc(found) or "").splitlines():
        if raised := re.match(r"    (\w+): (.*)", line):
            yield f"- `{raised[1]}`: {raised[2]}"
        elif line == "Raises:":
            yield from ("Raises:", "")
        else:
            yield line
