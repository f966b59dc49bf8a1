"""What stands in paths and queries: ids, names, moments, pages."""

import re
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import AfterValidator, BeforeValidator, Field

from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.fields import check_moment
from jobrunner.core.line_values import read_moment
from jobrunner.core.status import Status
from jobrunner.web.api import numbers as numbers  # noqa: PLC0414 — paths name its convertor
from jobrunner.web.api.segments import name_of
from jobrunner.web.limits import LARGEST_PAGE
from jobrunner.web.limits import PAGE as PAGE  # noqa: PLC0414 — of those who list

LARGEST: Final = 2**53 - 1
"""Of an id: beyond it, not every reader of JSON tells two numbers apart."""

NO_NUL: Final = r"^[^\x00]*$"
"""What both databases can store."""


def _digits(value: object) -> object:
    """A whole number as digits, and nothing else that Python would take for one."""
    if isinstance(value, str) and not re.fullmatch(r"-?(0|[1-9][0-9]{0,18})", value):
        raise ValueError("must be a whole number, in digits")
    return value


def _word(value: object) -> object:
    if isinstance(value, str) and value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value


def _moment(value: str) -> str:
    try:
        check_moment("it", read_moment("it", value))
    except InvalidTaskError as error:
        raise ValueError(str(error)) from None
    return value


Digits = BeforeValidator(_digits)

Number = Annotated[int, Field(ge=1, le=LARGEST), Digits]
Offset = Annotated[int, Field(ge=0, le=LARGEST), Digits]
TaskNumber = Annotated[Number, Path(description="The task's id.", examples=[7])]
BatchNumber = Annotated[Number, Path(description="The batch's id.", examples=[1])]
Name = Annotated[
    str,
    BeforeValidator(name_of),
    Path(
        min_length=1,
        max_length=500,
        pattern=NO_NUL,
        description="Its name; a `/` in it is sent as `%2F`.",
        examples=["default"],
    ),
]

Text = Annotated[str, Field(pattern=NO_NUL, max_length=2_000)]
Moment = Annotated[
    str,
    Field(
        json_schema_extra={"format": "date-time"},
        max_length=50,
        examples=["2026-12-01T09:00:00Z"],
    ),
    AfterValidator(_moment),
]
"""ISO 8601 with a zone."""

Limit = Annotated[
    Annotated[int, Field(ge=1, le=LARGEST_PAGE), Digits],
    Query(description="At most so many, newest first."),
]
Before = Annotated[
    Number | None, Query(description="Only below this id, as the `Link` header says it.")
]
Flag = Annotated[bool, BeforeValidator(_word)]
StatusName = Annotated[Status | None, Query(description="Only with this status.")]
QueueName = Annotated[Text | None, Query(description="Only of this queue.")]
FunctionName = Annotated[Text | None, Query(description="Only of this function.")]
OfBatch = Annotated[Number | None, Query(description="Only members of this batch.")]
Since = Annotated[Moment | None, Query(description="From this moment on.")]
Until = Annotated[Moment | None, Query(description="Up to this moment.")]


def moment_of(value: str | None) -> datetime | None:
    """A moment that was checked when it came in."""
    return None if value is None else read_moment("it", value)


def given(**values: Any) -> dict[str, Any]:
    """Those of these that say something."""
    return {name: value for name, value in values.items() if value is not None}
