"""What stands in a message of Huey: a named tuple, pickled, of which every version has more."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from jobrunner.core import unpickled
from jobrunner.core.foreign import Foreign
from jobrunner.core.unpickled import UnreadableError

_OLD: Final = (
    *("id", "name", "eta", "retries", "retry_delay"),
    *("args", "kwargs", "on_complete", "on_error"),
)
"""Up to Huey 2.0; later there is a priority, and more behind."""

_NEW: Final = (
    *("id", "name", "eta", "retries", "retry_delay", "priority"),
    *("args", "kwargs", "on_complete", "on_error"),
    *("expires", "expires_resolved", "timeout", "chord_config", "retry_backoff"),
)

_FOLLOWED: Final = ("on_complete", "on_error", "chord_config")


class _Message(tuple[Any, ...]):
    __slots__ = ()

    def __new__(cls, *values: Any) -> Self:
        return super().__new__(cls, values)


def read(data: bytes, *, number: int) -> Foreign:
    """Read a message, its pickle included; `number` names one that cannot even tell its id."""
    try:
        message = unpickled.read(unpickled.expanded(data), {("huey.registry", "Message"): _Message})
    except UnreadableError as error:
        return Foreign(key=f"huey:#{number}", is_pickled=True, problem=str(error))
    if not isinstance(message, _Message) or len(message) < len(_OLD):
        return Foreign(key=f"huey:#{number}", is_pickled=True, problem="is no message of Huey")
    names = _OLD if len(message) == len(_OLD) else _NEW
    return _of(dict(zip(names, message, strict=False)))


def _of(told: Mapping[str, Any]) -> Foreign:
    followed = [name for name in _FOLLOWED if told.get(name) is not None]
    timeout = told.get("timeout")
    return Foreign(
        key=f"huey:{told['id']}",
        function=str(told["name"]),
        args=list(told["args"] or ()),
        kwargs=dict(told["kwargs"] or {}),
        priority=int(told.get("priority") or 0),
        run_at=_moment(told["eta"]),
        expires_at=_moment(told.get("expires_resolved")),
        timeout=timedelta(seconds=timeout) if timeout else None,
        max_attempts=int(told["retries"] or 0) + 1,
        is_pickled=True,
        problem=f"has an {followed[0]}, which is not imported" if followed else None,
    )


def _moment(at: Any) -> datetime | None:
    """Huey keeps moments in UTC without saying so."""
    if not isinstance(at, datetime):
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
