"""A crew: the name that workers share, so that one word reaches all of them, now and later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from jobrunner.core import payload
from jobrunner.core.errors import ConfigurationError, PayloadError
from jobrunner.core.fields import shown
from jobrunner.core.task import TaskId
from jobrunner.core.worker import WorkerInfo

LONGEST_CREW: Final = 200
"""Characters of a crew's name."""

CONCURRENCY: Final = range(1, 10_001)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """What holds for all workers of a name, those to come too; it lasts over restarts.

    `concurrency` is what each of them works with, `None` for what each was started with.
    """

    name: str
    paused_at: datetime | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Who a word has reached: the crews, and the workers that live, as they are now."""

    crews: Sequence[Crew]
    workers: Sequence[WorkerInfo]


class Orders(NamedTuple):
    """What a worker has to see to: what it was told, and which of its tasks are to end."""

    paused_at: datetime | None
    wanted: int | None
    stop_requested_at: datetime | None
    cancels: tuple[TaskId, ...] = ()


def check_name(name: object) -> str:
    """Accept a name that a crew can have.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        text = payload.check_text(name, what="the name of a crew")
    except PayloadError as error:
        raise ConfigurationError(str(error), hint="Use a short name such as night.") from error
    if not 0 < len(text) <= LONGEST_CREW:
        raise ConfigurationError(f"the name of a crew has from 1 to {LONGEST_CREW} characters")
    return text


def check_concurrency(value: object) -> None:
    """Accept a number of tasks that a worker can run at a time.

    Raises:
        ConfigurationError: it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value not in CONCURRENCY:
        problem = f"concurrency must be from 1 to {CONCURRENCY[-1]}, not {shown(value)}"
        raise ConfigurationError(problem)
