"""Are two requests the same: a fingerprint of the tasks that they ask for."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from jobrunner.core.errors import PayloadError
from jobrunner.core.new_task import NewTask
from jobrunner.core.result import Result
from jobrunner.core.task import Task


def fingerprint(new: Sequence[NewTask[Any]]) -> str:
    """Equal for tasks that are equal in all that was said; those of the call go by their place.

    Raises:
        PayloadError: their arguments cannot be stored anyway.
    """
    places = {id(task): number for number, task in enumerate(new)}
    try:
        text = json.dumps([_of_fields(task, places) for task in new], sort_keys=True)
    except (RecursionError, TypeError, ValueError) as error:
        raise PayloadError("args are not JSON, or nested too deeply", field="args") from error
    return hashlib.sha256(text.encode()).hexdigest()


def _of_fields(value: Any, places: Mapping[int, int]) -> dict[str, Any]:
    named = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {name: _shape(one, places) for name, one in named.items()}


def _shape(value: Any, places: Mapping[int, int]) -> Any:  # noqa: PLR0911 — one for each kind
    if isinstance(value, NewTask):
        return {"place": places.get(id(value), -1)}
    if isinstance(value, Task):
        return {"task": value.id}
    if isinstance(value, Result):
        return {"result": _of_fields(value, places)}
    if dataclasses.is_dataclass(value):
        return _of_fields(value, places)
    if isinstance(value, Mapping):
        return [[_shape(k, places), _shape(v, places)] for k, v in sorted(value.items(), key=repr)]
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        ordered = value if isinstance(value, Sequence) else sorted(value, key=repr)
        return [_shape(one, places) for one in ordered]
    if isinstance(value, date | timedelta):  # a datetime is a date
        return repr(value)
    return value
