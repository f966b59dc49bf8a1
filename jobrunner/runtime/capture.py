"""What functions print and log, noted for its attempt; it goes where it went before."""

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable
from copy import copy as twin_of
from typing import Any, Final, TextIO, cast

from jobrunner.core.written import Stream
from jobrunner.runtime.running import Running, here

_OURS: Final = "jobrunner"
_LINE: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class Routed:
    """Stands before one of the process's streams. All but what is written it leaves to that."""

    def __init__(self, stream: Stream, before: TextIO) -> None:
        """`before` is the stream itself."""
        self._stream = stream
        self._before = before

    def write(self, text: Any) -> int:
        """Note it, and write it."""
        attempt = _capture.attempt()
        if attempt is not None and isinstance(text, str):  # the stream itself refuses the rest
            attempt.link.write(self._stream, text)
        return self._before.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Note them, and write them."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._before, name)


class _Capture:
    """The process's one capture, for as long as a worker in it asks for it."""

    def __init__(self) -> None:
        self.start_afresh()

    def start_afresh(self) -> None:
        """Also in a forked child: what that writes is none of its parent's business."""
        self.lock = threading.Lock()
        self.users = 0
        self.undo = contextlib.ExitStack()
        self.only: Running | None = None
        """The attempt that all threads of this process work for."""

    def attempt(self) -> Running | None:
        """The attempt that runs here, if what it writes is to be noted."""
        return (here() or self.only) if self.users else None


_capture: Final = _Capture()

os.register_at_fork(after_in_child=_capture.start_afresh)


@contextlib.contextmanager
def installed() -> Generator[None]:
    """Note what attempts print and log, in this block and in those of other threads."""
    with _capture.lock:
        if not _capture.users:
            _install(_capture.undo)
        _capture.users += 1
    try:
        yield
    finally:
        with _capture.lock:
            _capture.users -= 1
            if not _capture.users:
                _capture.undo.close()


def note_all_for(running: Running) -> None:
    """Note for one attempt what any thread of this process writes, until there is another.

    For processes that run one at a time; what it takes stays in place until their end.
    """
    _capture.only = running
    if not _capture.users:
        _capture.users = 1
        _install(_capture.undo)


def _install(undo: contextlib.ExitStack) -> None:
    stderr = sys.stderr
    for stream in (Stream.STDOUT, Stream.STDERR):
        before: TextIO | None = getattr(sys, stream)
        if before is not None:  # its descriptor is closed
            ours = cast("TextIO", Routed(stream, before))
            _put(undo, sys, stream.value, ours)
    _put(undo, logging, "lastResort", _last_resort(stderr))
    factory = logging.getLogRecordFactory()
    noting = _noting(factory)
    logging.setLogRecordFactory(noting)
    undo.callback(_take_back, noting, factory)
    root = logging.getLogger()
    if not root.handlers and root.level == logging.WARNING:
        _hear_more(undo, root)


def _put(undo: contextlib.ExitStack, place: Any, name: str, ours: object) -> None:
    """Put something in the place of another, which comes back unless somebody has changed that."""
    before = getattr(place, name)

    def put_back() -> None:
        if getattr(place, name) is ours:
            setattr(place, name, before)

    setattr(place, name, ours)
    undo.callback(put_back)


def _take_back(noting: object, factory: Callable[..., logging.LogRecord]) -> None:
    if logging.getLogRecordFactory() is noting:
        logging.setLogRecordFactory(factory)


def _last_resort(stderr: TextIO | None) -> logging.Handler | None:
    """What logging writes with where nothing was set up: noted once, so not through our stream."""
    if logging.lastResort is None or stderr is None:
        return logging.lastResort
    handler = logging.StreamHandler(stderr)
    handler.setLevel(logging.lastResort.level)
    return handler


def _hear_more(undo: contextlib.ExitStack, root: logging.Logger) -> None:
    """Where the application has set up nothing, its `info` is noted too, and shown no more."""
    ours = logging.getLogger(_OURS)
    if ours.level == logging.NOTSET:
        ours.setLevel(root.level)
        undo.callback(_set_back, ours, ours.level, logging.NOTSET)
    root.setLevel(logging.INFO)
    undo.callback(_set_back, root, logging.INFO, logging.WARNING)


def _set_back(logger: logging.Logger, level: int, before: int) -> None:
    if logger.level == level:
        logger.setLevel(before)


class _Formatter(logging.Formatter):
    """A line in UTC, as all that jobrunner writes."""

    default_msec_format = "%s.%03dZ"
    default_time_format = "%Y-%m-%dT%H:%M:%S"

    def __init__(self) -> None:
        super().__init__(_LINE)
        self.converter = time.gmtime


_FORMATTER: Final = _Formatter()


def _noting(factory: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    """Makes records as before, and notes them.

    A handler would do for most, but one at the root is in the way of `basicConfig`, goes with
    `dictConfig`, and never hears loggers that do not propagate.
    """

    def make(*args: Any, **named: Any) -> logging.LogRecord:
        record = factory(*args, **named)
        attempt = _capture.attempt()
        if attempt is not None:
            with contextlib.suppress(Exception):  # the application's own code may be in its text
                _note(record, attempt)
        return record

    return make


def _note(record: logging.LogRecord, attempt: Running) -> None:
    if not record.name or record.name == _OURS or _comes_by_itself(record):
        return
    told = _FORMATTER.format(twin_of(record))  # which leaves its mark on what it formats
    attempt.link.write(Stream.STDERR, f"{told}\n")


def _comes_by_itself(record: logging.LogRecord) -> bool:
    """Whether a handler writes it to a stream of ours."""
    logger: logging.Logger | None = logging.getLogger(record.name)
    while logger is not None:
        if any(
            record.levelno >= handler.level and isinstance(_stream_of(handler), Routed)
            for handler in logger.handlers
        ):
            return True
        logger = logger.parent if logger.propagate else None
    return False


def _stream_of(handler: logging.Handler) -> object:
    """Where a handler writes to: one of logging's, or of rich."""
    console = getattr(handler, "console", None)
    return getattr(handler, "stream", getattr(console, "file", None))
