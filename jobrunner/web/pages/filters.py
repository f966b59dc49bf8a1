"""The filter of the list of tasks: as it stands in the URL, in words, and as what it asks for."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self
from urllib.parse import urlencode

from jobrunner.core.bulk import BulkFilter
from jobrunner.core.errors import JobrunnerError
from jobrunner.core.insight import TaskQuery
from jobrunner.core.span import parse_span
from jobrunner.core.status import Status
from jobrunner.core.task import TASK_IDS
from jobrunner.core.visible import visible

PLACE: Final = "/tasks"
LONGEST: Final = 500
"""Characters of a field."""

FIELDS: Final = (
    "status",
    "queue",
    "function",
    "text",
    "error",
    "batch",
    "worker",
    "since",
    "until",
)
_COLUMNS: Final = {
    "batch": "batch_id",
    "worker": "worker_id",
    "since": "created_since",
    "until": "created_until",
}
_ID: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_SPAN: Final = re.compile(r"[0-9.]+(?:ms|[smhdw])[0-9a-z.]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Filter:
    """What is looked for. `values` are the fields as they were written, the empty ones left out.

    `problems` says which of them mean nothing; then nothing is looked for.
    """

    values: Mapping[str, str]
    query: TaskQuery
    problems: tuple[str, ...] = ()

    @classmethod
    def read(cls, written: Mapping[str, Any], now: datetime) -> Self:
        """Read the fields of a URL or of a form; others are not looked at."""
        found = {name: str(written.get(name, "")).strip() for name in FIELDS}
        values = {name: value for name, value in found.items() if value}
        asked: dict[str, Any] = {}
        problems: list[str] = []
        for name, value in values.items():
            try:
                asked[_COLUMNS.get(name, name)] = _read(name, value, now)
            except (JobrunnerError, ValueError) as error:
                problems.append(f"{name.capitalize()}: {error}")
        try:
            return cls(values, TaskQuery(**asked), tuple(problems))
        except JobrunnerError as error:
            return cls(values, TaskQuery(), (*problems, str(error)))

    def url(self, **changes: object) -> str:
        """The list's address with this filter; `None` leaves a field out."""
        fields = {**self.values, **changes}
        told = {name: str(value) for name, value in fields.items() if value not in (None, "")}
        return f"{PLACE}?{urlencode(told)}" if told else PLACE

    @property
    def fixed(self) -> dict[str, str]:
        """The fields of a form that means the same tasks a while later."""
        moments = {"since": self.query.created_since, "until": self.query.created_until}
        told = {name: at.isoformat() for name, at in moments.items() if at is not None}
        return {**self.values, **told}

    @property
    def words(self) -> str:
        """What it means, as a sentence without its end."""
        query = self.query
        status = query.status.label.capitalize() + " tasks" if query.status else "All tasks"
        told = [status if self.values else "All tasks"]
        for name, words in _WORDS.items():
            value = getattr(query, name)
            if value is not None:
                told.append(words.format(_told(value)))
        return " ".join(told)

    def wanted(self) -> BulkFilter:
        """What the same filter is for acts on many; without any field, all tasks."""
        query = self.query
        told: Any = {name: getattr(query, name) for name in query.given} or {"every": True}
        wanted: BulkFilter = told
        return wanted


_WORDS: Final = {
    "function": "of the function “{}”",
    "queue": "in the queue “{}”",
    "batch_id": "of batch {}",
    "worker_id": "last run by the worker “{}”",
    "text": "with “{}” in their description, function or command",
    "error": "whose error contains “{}”",
    "created_since": "created since {}",
    "created_until": "created before {}",
}


def _told(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return visible(str(value))


def _read(name: str, value: str, now: datetime) -> Any:
    if len(value) > LONGEST:
        raise ValueError(f"must have at most {LONGEST} characters")
    reader = _READERS.get(name)
    return value if reader is None else reader(value, now)


def _status(value: str, _now: datetime) -> Status:
    try:
        return Status(value)
    except ValueError:
        raise ValueError(f"must be one of {', '.join(Status)}") from None


def _batch(value: str, _now: datetime) -> int:
    if not _ID.fullmatch(value) or int(value) not in TASK_IDS:
        raise ValueError("must be the id of a batch, a whole number")
    return int(value)


def _moment(value: str, now: datetime) -> datetime:
    """`1h30m` ago, or a moment, in UTC unless it says its zone."""
    if _SPAN.fullmatch(value):
        try:
            return now - parse_span(value)
        except OverflowError:
            raise ValueError("is too long ago") from None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("write 30m, 1d or a moment such as 2026-12-01T09:00") from None


_READERS: Final[Mapping[str, Callable[[str, datetime], Any]]] = {
    "status": _status,
    "batch": _batch,
    "since": _moment,
    "until": _moment,
}


def read_id(written: str | None) -> int | None:
    """The id at which a page begins; what is none is left out."""
    return int(written) if written and _ID.fullmatch(written) else None
