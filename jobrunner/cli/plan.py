"""`jobrunner enqueue --from FILE --plan`: the graph of a file and all that is wrong with it."""

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from jobrunner.cli import render
from jobrunner.core import plan
from jobrunner.core.errors import InvalidTaskError, JobrunnerError
from jobrunner.core.line_results import check_arguments, refs_named
from jobrunner.core.lines import InvalidLineError, Line, name_of, numbered, object_of, task_of
from jobrunner.core.new_task import NewTask

WIDTH: Final = 80
"""Columns of what is told of the longest way."""

KINDS: Final = 4
"""Kinds of tasks of one layer that are told by name."""

STOPS: Final = 12
"""Tasks of the longest way that are told by name, half of them at its beginning."""


class Problem(NamedTuple):
    """What is wrong with a line."""

    line: int
    message: str
    hint: str = ""


class PlanError(InvalidTaskError):
    """A file that cannot be enqueued."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """`problems` have been told one by one."""
        count = len(problems)
        super().__init__(f"the file has {count} problem{'s' * (count > 1)}; nothing was enqueued")


@dataclass
class Plan:
    """The lines of a file as a graph. Nodes are numbers of lines."""

    names: dict[int, str] = field(default_factory=dict[int, str])
    kinds: dict[int, str] = field(default_factory=dict[int, str])
    parents: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    stored: set[int] = field(default_factory=set[int])
    """Ids of stored tasks that lines wait for. They are not looked up."""
    problems: list[Problem] = field(default_factory=list[Problem])

    def note(self, number: int, error: JobrunnerError) -> None:
        """Something is wrong with a line."""
        message = str(error).removeprefix(f"line {number}: ")
        hint = error.hint.replace("nothing was enqueued", "").replace("Nothing was enqueued.", "")
        problem = Problem(number, message, hint.strip(" ;"))
        if problem not in self.problems[-1:]:
            self.problems.append(problem)


def read_plan(data: bytes, make: Callable[..., NewTask[Any]]) -> Plan:
    """Look at every line; `make(function, **fields)` makes the tasks of functions."""
    found = Plan()
    lines: list[Line] = []
    by_ref: dict[str, int] = {}
    for number, raw in numbered(data):
        try:
            _, line = object_of(number, raw)
        except InvalidLineError as error:
            found.note(number, error)
            continue
        first = by_ref.setdefault(line["ref"], number) if "ref" in line else number
        if first == number:
            lines.append((number, line))
        else:
            problem = f"ref {line['ref']!r} stands already at line {first}"
            found.problems.append(Problem(number, problem))
    for number, line in lines:
        _add(found, number, line, by_ref)
        _make(found, number, line, make)
    for cycle in plan.cycles(found.parents):
        members = " -> ".join(found.names[node] for node in [*cycle, cycle[0]])
        found.problems.append(Problem(min(cycle), f"these wait for each other: {members}"))
    found.problems.sort()
    return found


def _add(found: Plan, number: int, line: dict[str, Any], by_ref: dict[str, int]) -> None:
    found.names[number] = name_of(number, line)
    found.parents[number] = []
    try:
        refs = refs_named(line)
    except JobrunnerError as error:
        found.note(number, error)
        return
    for ref in dict.fromkeys(refs):
        if ref in by_ref:
            found.parents[number].append(by_ref[ref])
        else:
            found.problems.append(Problem(number, f"no line has the ref {ref!r}"))
    named = [*(line.get("after") or ()), *(line.get("after_any") or ())]
    found.stored |= {parent for parent in named if isinstance(parent, int)}


_ANY: Final[NewTask[Any]] = NewTask(function="any")
"""Stands for a task that a line names."""


def _make(
    found: Plan, number: int, line: dict[str, Any], make: Callable[..., NewTask[Any]]
) -> None:
    try:
        task = task_of(line, make, lambda _ref: _ANY)
        found.stored.update(check_arguments(task))
    except JobrunnerError as error:
        found.note(number, error)
        return
    word = task.command[0] if task.command else ""
    found.kinds[number] = (
        task.description or task.function or (word if isinstance(word, str) else task.name)
    )


def show_plan(found: Plan, *, as_json: bool) -> None:
    """Print the graph, and what is wrong.

    Raises:
        PlanError: something is.
    """
    layers, way = plan.layers(found.parents), plan.longest(found.parents)
    if as_json:
        render.as_json(_object(found, layers, way))
    else:
        _show(found, layers, way)
    if found.problems:
        raise PlanError(found.problems)


def _object(found: Plan, layers: list[list[int]], way: list[int]) -> dict[str, Any]:
    return {
        "ok": not found.problems,
        "tasks": len(found.names),
        "dependencies": sum(map(len, found.parents.values())),
        "layers": [[found.names[node] for node in layer] for layer in layers],
        "critical_path": [found.names[node] for node in way],
        "stored_parents": sorted(found.stored),
        "problems": [problem._asdict() for problem in found.problems],
    }


def _show(found: Plan, layers: list[list[int]], way: list[int]) -> None:
    edges = sum(map(len, found.parents.values()))
    render.out(f"tasks\t{len(found.names)}\ndependencies\t{edges}\nlayers\t{len(layers)}")
    render.out(f"critical path\t{len(way)}")
    if layers:
        render.out("")
        render.table(
            ("layer>", "tasks>", "what~"),
            [
                (depth, len(layer), ", ".join(_kinds(found, layer)))
                for depth, layer in enumerate(layers, 1)
            ],
        )
        render.out("")
        render.out("\n  ".join(textwrap.wrap(f"longest: {_way(found, way)}", WIDTH - 2)))
    if found.stored:
        ids = ", ".join(map(str, sorted(found.stored)))
        render.talk(f"Waits for stored tasks, which were not looked up: {ids}.")
    for problem in found.problems:
        render.out(f"line {problem.line}: {problem.message}")
        if problem.hint:
            render.out(f"  {problem.hint}")


def _kinds(found: Plan, layer: list[int]) -> Iterator[str]:
    counted = Counter(found.kinds.get(node, "?") for node in layer).most_common()
    for kind, number in counted[:KINDS]:
        short = textwrap.shorten(kind, WIDTH // 2, placeholder="…") or kind[: WIDTH // 2]
        yield short if number == 1 else f"{number} of {short}"
    if len(counted) > KINDS:
        yield f"{sum(number for _, number in counted[KINDS:])} others"


def _way(found: Plan, way: list[int]) -> str:
    names = [found.names[node] for node in way]
    if len(names) > STOPS:
        half = STOPS // 2
        names[half:-half] = [f"… {len(names) - STOPS} more …"]
    return " → ".join(names)
