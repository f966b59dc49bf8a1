"""Events as log lines: the one subscriber that writes them, as text or as JSON lines."""

import contextlib
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from multiprocessing.util import Finalize
from typing import Any, Final, TextIO

from jobrunner.core.events import (
    DependentCancelled,
    Event,
    LeaseLost,
    TaskExpired,
    TaskRescued,
    TasksCompleted,
    TaskSettled,
    TasksStarted,
    TaskStarted,
    WorkerLost,
    WorkerPaused,
    WorkerResized,
    WorkerResumed,
    WorkerStarted,
    WorkerStopped,
    WorkerStopping,
    WorkerTrouble,
)
from jobrunner.core.outcome import label
from jobrunner.core.status import Status
from jobrunner.core.visible import visible

logger: Final = logging.getLogger("jobrunner")

LATE: Final = 0.05
"""Seconds by which a line may be written late."""

_LEVELS: Final[dict[type[Any], int]] = {
    TaskStarted: logging.DEBUG,
    TaskSettled: logging.INFO,
    TasksStarted: logging.DEBUG,
    TasksCompleted: logging.INFO,
    TaskRescued: logging.WARNING,
    DependentCancelled: logging.WARNING,
    TaskExpired: logging.WARNING,
    LeaseLost: logging.WARNING,
    WorkerStarted: logging.INFO,
    WorkerStopping: logging.INFO,
    WorkerStopped: logging.INFO,
    WorkerPaused: logging.INFO,
    WorkerResumed: logging.INFO,
    WorkerResized: logging.INFO,
    WorkerLost: logging.WARNING,
    WorkerTrouble: logging.ERROR,
}


def log(event: Event) -> None:
    """Write one event to the `jobrunner` logger; the event itself is the record's `event`."""
    level = _LEVELS[type(event)]
    if isinstance(event, TaskSettled) and event.status is Status.FAILED:
        level = logging.ERROR
    if logger.isEnabledFor(level):
        # Not logger.log(): its search for the calling line costs a fast worker too much.
        said = (_Sentence(event),)
        record = logger.makeRecord(logger.name, level, "", 0, "%s", said, None)
        record.event = event
        logger.handle(record)


class _Sentence:
    """An event in words, made only when a handler writes it."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def __str__(self) -> str:
        return sentence(self._event)


def sentence(event: Event) -> str:  # noqa: PLR0911 — one match, a line for each kind
    """Tell an event in one line."""
    match event:
        case TaskStarted():
            return (
                f"task {event.task_id} {event.name}: {Status.IN_PROGRESS.label}, "
                f"attempt {event.attempt}, worker {event.worker_id}"
            )
        case TaskSettled():
            return _settled(event)
        case TasksStarted() | TasksCompleted():
            done = Status.COMPLETED if isinstance(event, TasksCompleted) else Status.IN_PROGRESS
            told = f"{event.count} tasks, {event.first} to {event.last}: {done.label}"
            return f"{told}, worker {event.worker_id}"
        case TaskRescued():
            told = f"task {event.task_id}: taken from worker {event.worker_id}, "
            return told + f"now {event.status.label}" + _because(event.error)
        case DependentCancelled():
            return f"task {event.task_id}: Cancelled, as task {event.parent_id} did not complete"
        case TaskExpired():
            return f"task {event.task_id}: Cancelled: {event.error}"
        case LeaseLost():
            return (
                f"task {event.task_id}: lease lost, attempt {event.attempt} of worker "
                f"{event.worker_id} changes nothing"
            )
        case _:
            return _worker_sentence(event)


def _worker_sentence(event: Any) -> str:  # noqa: PLR0911 — as above
    worker = f"worker {event.worker_id}"
    match event:
        case WorkerStarted():
            return f"{worker}: started, {event.concurrency} at a time by {event.executor}"
        case WorkerStopping():
            return f"{worker}: stopping, because {event.reason}"
        case WorkerStopped():
            return f"{worker}: stopped after {event.settled} attempts"
        case WorkerPaused():
            return f"{worker}: paused, it claims no more until it is resumed"
        case WorkerResumed():
            return f"{worker}: resumed"
        case WorkerResized():
            return f"{worker}: {event.concurrency} at a time from now on"
        case WorkerLost():
            return f"{worker}: lost, because {event.reason}"
        case _:
            return f"{worker}: {event.problem}"


def _settled(event: TaskSettled) -> str:
    told = f"task {event.task_id} {event.name}: {event.status.label}"
    if event.outcome != event.status:
        told += f" ({label(event.outcome)})"
    return told + f" after {event.ran.total_seconds():.3f} s" + _because(event.error)


def _because(error: str | None) -> str:
    return f": {error}" if error else ""


class TextFormatter(logging.Formatter):
    """One line a record: moment, level, sentence. Control characters are made visible."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = visible(record.getMessage())
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


FORMATS: Final[dict[str, Callable[[], logging.Formatter]]] = {
    "text": TextFormatter,
    "json": JsonFormatter,
}


class PatientHandler(logging.StreamHandler[TextIO]):
    """Writes lines in bundles, each at most `LATE` seconds late, warnings and worse at once.

    A fast worker logs thousands of lines a second: a system call for each would cost it more
    than running the tasks.
    """

    def __init__(self) -> None:
        """Lines go to standard error."""
        super().__init__()
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line; logging holds the handler's lock around this."""
        try:
            self._lines.append(self.format(record))
        except Exception:  # noqa: BLE001 — as every handler: the program goes on without the line
            self.handleError(record)
        if record.levelno >= logging.WARNING:
            self.flush()
        elif len(self._lines) == 1:
            later = threading.Timer(LATE, self.flush)
            later.daemon = True
            later.start()

    def flush(self) -> None:
        """Write what has been taken."""
        self.acquire()
        try:
            lines, self._lines = self._lines, []
            with contextlib.suppress(OSError, ValueError):  # nobody reads: a worker works on
                if lines:
                    self.stream.write("\n".join(lines) + "\n")
                super().flush()
        finally:
            self.release()


def configure(*, form: str = "text", level: int = logging.INFO) -> None:
    """Write the log to standard error, for programs that set up no logging of their own."""
    # What no line tells need not be found out for each: the logging cookbook's own advice.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = PatientHandler()
    # A child process ends without logging's own farewell, and would keep its last lines.
    Finalize(None, logging.shutdown, exitpriority=0)
    handler.setFormatter(FORMATS[form]())
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
