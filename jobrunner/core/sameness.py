"""Are two requests the same: a fingerprint of the tasks that they ask for."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from typing import Any

from jobrunner.core import fields
from jobrunner.core.errors import PayloadError
from jobrunner.core.new_task import NewTask
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


def _shape(value: Any, places: Mapping[int, int]) -> Any:
    if isinstance(value, Task):
        return {"task": value.id}
    if isinstance(value, date | timedelta):  # a datetime is a date
        return repr(value)
    if dataclasses.is_dataclass(value):
        place = places.get(id(value))
        return _of_fields(value, places) if place is None else {"place": place}
    return _of_many(value, places)


def _of_many(value: Any, places: Mapping[int, int]) -> Any:
    """A collection in one order; anything else is plain already."""
    if _is(value, Mapping):
        return [[_shape(k, places), _shape(v, places)] for k, v in sorted(value.items(), key=repr)]
    if _is(value, AbstractSet):
        return [_shape(one, places) for one in sorted(value, key=repr)]
    return [_shape(one, places) for one in value] if fields.is_list(value) else value


def _is(value: object, kind: type) -> bool:
    """As `isinstance`; what is in it stays of any type."""
    return isinstance(value, kind)
