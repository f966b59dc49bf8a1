"""Events as log lines: the one subscriber that writes them, as text or as JSON lines."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from jobrunner.core.events import (
    DependentCancelled,
    Event,
    LeaseLost,
    TaskRescued,
    TaskSettled,
    TaskStarted,
    WorkerLost,
    WorkerStarted,
    WorkerStopped,
    WorkerStopping,
    WorkerTrouble,
)
from jobrunner.core.status import Status

logger: Final = logging.getLogger("jobrunner")

_LEVELS: Final[dict[type[Any], int]] = {
    TaskStarted: logging.INFO,
    TaskSettled: logging.INFO,
    TaskRescued: logging.WARNING,
    DependentCancelled: logging.WARNING,
    LeaseLost: logging.WARNING,
    WorkerStarted: logging.INFO,
    WorkerStopping: logging.INFO,
    WorkerStopped: logging.INFO,
    WorkerLost: logging.WARNING,
    WorkerTrouble: logging.ERROR,
}


def log(event: Event) -> None:
    """Write one event to the `jobrunner` logger; the event itself is the record's `event`."""
    level = _LEVELS[type(event)]
    if isinstance(event, TaskSettled) and event.status is Status.FAILED:
        level = logging.ERROR
    if logger.isEnabledFor(level):
        logger.log(level, "%s", _Sentence(event), extra={"event": event})


class _Sentence:
    """An event in words, made only when a handler writes it."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def __str__(self) -> str:
        return sentence(self._event)


def sentence(event: Event) -> str:
    """Tell an event in one line."""
    match event:
        case TaskStarted():
            return (
                f"task {event.task_id} {event.name}: {Status.IN_PROGRESS.label}, "
                f"attempt {event.attempt}, worker {event.worker_id}"
            )
        case TaskSettled():
            return _settled(event)
        case TaskRescued():
            told = f"task {event.task_id}: taken from worker {event.worker_id}, "
            return told + f"now {event.status.label}" + _because(event.error)
        case DependentCancelled():
            return f"task {event.task_id}: Cancelled, as task {event.parent_id} did not complete"
        case LeaseLost():
            return (
                f"task {event.task_id}: lease lost, attempt {event.attempt} of worker "
                f"{event.worker_id} changes nothing"
            )
        case _:
            return _worker_sentence(event)


def _worker_sentence(event: Any) -> str:
    worker = f"worker {event.worker_id}"
    match event:
        case WorkerStarted():
            return f"{worker}: started, {event.concurrency} at a time by {event.executor}"
        case WorkerStopping():
            return f"{worker}: stopping, because {event.reason}"
        case WorkerStopped():
            return f"{worker}: stopped after {event.settled} attempts"
        case WorkerLost():
            return f"{worker}: lost, because {event.reason}"
        case _:
            return f"{worker}: {event.problem}"


def _settled(event: TaskSettled) -> str:
    told = f"task {event.task_id} {event.name}: {event.status.label}"
    if event.outcome != event.status:
        told += f" ({event.outcome.replace('_', ' ')})"
    return told + f" after {event.ran.total_seconds():.3f} s" + _because(event.error)


def _because(error: str | None) -> str:
    return f": {error}" if error else ""


class TextFormatter(logging.Formatter):
    """One line a record: moment, level, sentence. Control characters are made visible."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = record.getMessage().translate(VISIBLE)
        return f"{moment.replace('+00:00', 'Z')} {record.levelname.lower():7} {told}"


class JsonFormatter(logging.Formatter):
    """One JSON object a record, with the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat()
        told: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        event = getattr(record, "event", None)
        if event is not None:
            told |= {"event": _snake(type(event).__name__), **asdict(event)}
        return json.dumps(told, default=_plain)


def _plain(value: object) -> object:
    return value.total_seconds() if isinstance(value, timedelta) else str(value)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]


VISIBLE: Final = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) != "\t"},
    **{code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)},
}
"""Control and direction characters, each to an escape that a terminal shows as it is."""

FORMATS: Final[dict[str, Callable[[], logging.Formatter]]] = {
    "text": TextFormatter,
    "json": JsonFormatter,
}


def configure(*, form: str = "text", level: int = logging.INFO) -> None:
    """Write the log to standard error, for programs that set up no logging of their own."""
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATS[form]())
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
