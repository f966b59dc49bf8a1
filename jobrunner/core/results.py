"""What a task returned, as an argument of another one: references, and what takes their place."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from jobrunner.core import fields, payload
from jobrunner.core.errors import PayloadError
from jobrunner.core.new_task import NewTask
from jobrunner.core.result import KEY, Result
from jobrunner.core.task import Task, TaskId

WANTS: Final = "wants"
ARGV: Final = "argv"
FILE: Final = "results"
RESULT: Final = "result"
GONE: Final = "gone"
"""Among the extras of a task: whether its arguments hold references, which parts of its command
are results and whose, whether it is given all of its parents' in a file (once claimed: what is in
it), what its own is, and whose results were wanted and are not there any more."""

_OWN: Final = re.compile(r"\$+result")
"""A key of somebody's own that could be taken for ours; stored with one more `$`."""

_STORED: Final = re.compile(r'\{"\$result":(\d+)\}|(?<=[{,])"\$(\$+result)":')
"""A reference, or a key with its `$` too many. Text inside of JSON's strings is neither: there,
a backslash stands before every quotation mark."""

Find = Callable[[Any], TaskId]
"""The id of a parent: of a stored task, or of one that is enqueued in the same call."""


@dataclass(slots=True)
class Encoder:
    """Turns the arguments of one task into JSON text, and notes whose results they want."""

    find: Find
    parents: list[TaskId] = field(default_factory=list[TaskId])
    places: dict[str, TaskId] = field(default_factory=dict[str, TaskId])
    """Which parts of the last command are results, by their numbers."""

    def arguments(self, value: Any, *, what: str) -> str:
        """Arguments as JSON text: each task in them is a reference to its result.

        Raises:
            PayloadError: it is not JSON or too large.
            UnknownParentError: a task in it is not stored, and not of the same call.
        """
        try:
            return payload.encode(value, what=what)
        except PayloadError as error:
            if not isinstance(error.__cause__, TypeError):
                raise
            before = len(self.parents)
            try:
                marked = self._marked(value)
            except RecursionError:
                raise error from None
            if len(self.parents) == before:
                raise
        return payload.encode(marked, what=what)

    def argv(self, command: Sequence[Any]) -> str:
        """A command as JSON text, with words for the results in it, whose `places` are noted.

        Raises:
            PayloadError: it is too large.
            UnknownParentError: a task in it is not stored, and not of the same call.
        """
        words = list(command)
        self.places = {}
        for at, one in enumerate(command):
            if not isinstance(one, str):
                parent = self.places[str(at)] = self._found(one)
                words[at] = f"<result of task {parent}>"
        return payload.encode(words, what="command")

    def taken(self) -> Sequence[TaskId]:
        """Whose results were wanted since the last call."""
        if not self.parents:
            return ()
        parents, self.parents = self.parents, []
        return parents

    def _found(self, value: Any) -> TaskId:
        parent = self.find(value)
        self.parents.append(parent)
        return parent

    def _marked(self, value: Any) -> Any:
        if is_result(value):
            return {KEY: self._found(value)}
        if _is_object(value):
            return {_kept(key): self._marked(one) for key, one in value.items()}
        if fields.is_list(value):
            return [self._marked(one) for one in value]
        return value


def is_result(value: object) -> bool:
    """Whether an argument stands for the result of a task."""
    return isinstance(value, Task | NewTask | Result)


def of_json(value: Any, find: Callable[[str], Any]) -> Any:
    """Arguments as JSON tells them: `{"$result": "ref"}` stands for a result, an id likewise.

    `find` gives the task of a ref. Keys with more `$` lose one.

    Raises:
        InvalidTaskError: a reference names neither a ref nor an id.
    """
    if not _holds_key(value):  # most do not, and those may be nested as deeply as JSON allows
        return value
    try:
        return _of_json(value, find)
    except RecursionError:
        raise fields.invalid("args", "is nested too deeply") from None


def to_json(value: Any, of_result: Callable[[Any], Any], *, what: str) -> Any:
    """Arguments as JSON tells them: what `of_json` reads. `of_result` tells a task in them.

    Raises:
        PayloadError: it is not JSON or too large.
    """
    try:
        told = _to_json(value, of_result)
    except RecursionError:
        raise PayloadError(f"{what} is nested too deeply", field=what) from None
    payload.encode(told, what=what)
    return told


def _to_json(value: Any, of_result: Callable[[Any], Any]) -> Any:
    if is_result(value):
        return of_result(value)
    if _is_object(value):
        return {_kept(key): _to_json(one, of_result) for key, one in value.items()}
    if fields.is_list(value):
        return [_to_json(one, of_result) for one in value]
    return value


def _holds_key(value: Any) -> bool:
    left = [value]
    while left:
        one: Any = left.pop()
        if _is_object(one):
            if any(map(_OWN.fullmatch, one)):
                return True
            left += one.values()
        elif fields.is_list(one):
            left += one
    return False


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)


def _of_json(value: Any, find: Callable[[str], Any]) -> Any:
    if fields.is_list(value):
        return [_of_json(one, find) for one in value]
    if not _is_object(value):
        return value
    if KEY not in value:
        return {_lessened(key): _of_json(one, find) for key, one in value.items()}
    named = value[KEY]
    if len(value) > 1 or isinstance(named, bool) or not isinstance(named, str | int):
        raise fields.invalid(KEY, "stands alone, with the ref or the id of a task")
    return find(named) if isinstance(named, str) else Result(TaskId(named))


def refs_of(value: Any) -> list[str]:
    """The refs that the arguments of a line name."""
    found: list[str] = []
    of_json(value, found.append)
    return found


def _kept(key: Any) -> Any:
    return f"${key}" if isinstance(key, str) and _OWN.fullmatch(key) else key


def _lessened(key: str) -> str:
    return key[1:] if _OWN.fullmatch(key) else key


def wanted(text: str | None) -> set[TaskId]:
    """Whose results stored arguments with references want."""
    return {TaskId(int(found[1])) for found in _STORED.finditer(text or "") if found[1]}


def filled(text: str | None, results: Mapping[TaskId, str | None]) -> str | None:
    """Stored arguments with the results, JSON text, in the place of the references."""

    def put(found: "re.Match[str]") -> str:
        if found[1] is None:
            return f'"{found[2]}":'
        return results[TaskId(int(found[1]))] or "null"

    return None if text is None else _STORED.sub(put, text)


def as_word(result: str | None) -> str:
    """A result as a part of a command: text as it is, else JSON."""
    value = payload.decode(result)
    return value if isinstance(value, str) else result or "null"
