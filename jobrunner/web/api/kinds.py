"""The kinds of values that requests hold, and how strictly they are read."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobrunner.core.fields import LONGEST
from jobrunner.core.new_task import LONGEST_QUEUE, PRIORITY_RANGE
from jobrunner.web.api.params import LARGEST, NO_NUL


class Asked(BaseModel):
    """Nothing is guessed: a text is no number, and an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def values_of(body: BaseModel) -> dict[str, Any]:
    """What was said, as JSON has it; what was not said is not there."""
    named = {name: getattr(body, name) for name in body.model_fields_set}
    aliases = {name: field.alias or name for name, field in type(body).model_fields.items()}
    return {
        aliases[name]: values_of(value) if isinstance(value, BaseModel) else value
        for name, value in named.items()
    }


Id = Annotated[int, Field(ge=1, le=LARGEST)]
Seconds = Annotated[float, Field(ge=0, le=LONGEST.total_seconds())]
Span = Annotated[float, Field(ge=0.001, le=LONGEST.total_seconds())]
Ref = Annotated[str, Field(min_length=1, max_length=500, pattern=NO_NUL)]
QueueText = Annotated[str, Field(min_length=1, max_length=LONGEST_QUEUE, pattern=NO_NUL)]
Key = Annotated[str, Field(min_length=1, max_length=500, pattern=NO_NUL)]
Folder = Annotated[str, Field(max_length=4_000, pattern=r"^/[^\x00]*$")]
LongText = Annotated[str, Field(max_length=100_000, pattern=NO_NUL)]
ResultOf = Annotated[
    dict[Literal["$result"], Id | Ref], Field(min_length=1, description="The result of a task.")
]
Word = LongText | ResultOf
"""A part of a command."""
Function = Annotated[str, Field(min_length=1, max_length=500, pattern=NO_NUL)]
Priority = Annotated[int, Field(ge=PRIORITY_RANGE.start, le=PRIORITY_RANGE.stop - 1)]
Attempts = Annotated[int, Field(ge=1, le=10_000)]
StatusWord = Literal[
    "blocked", "scheduled", "pending", "in_progress", "completed", "failed", "cancelled"
]
WhileWord = Literal["waiting", "live", "completed", "failed", "cancelled"]
"""While what another task has its unique key."""
