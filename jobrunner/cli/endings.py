"""How the command ends: each error as one sentence, a next step and an exit code."""

import contextlib
import os
import re
import signal
import sys
import traceback
from dataclasses import dataclass
from typing import Any, Final

from jobrunner.cli import render
from jobrunner.core import errors
from jobrunner.core.control_errors import HookNotFoundError, WorkerNotFoundError
from jobrunner.core.query import QueryError
from jobrunner.core.schedule_errors import InvalidScheduleError, ScheduleNotFoundError
from jobrunner.core.web_errors import TokenNotFoundError

EXIT_CODES: Final[dict[type[errors.JobrunnerError], int]] = {
    errors.UnknownFunctionError: 2,
    errors.InvalidTaskError: 2,
    errors.ConfigurationError: 2,
    QueryError: 2,
    InvalidScheduleError: 2,
    errors.TaskNotFoundError: 3,
    WorkerNotFoundError: 3,
    ScheduleNotFoundError: 3,
    HookNotFoundError: 3,
    TokenNotFoundError: 3,
    errors.DatabaseError: 4,
    errors.ApplicationError: 5,
    errors.TaskFailedError: 6,
    errors.WaitTimeoutError: 7,
}
"""The first of these that an error is decides the exit code; any other is 1."""

MEANINGS: Final = {
    0: "all is well",
    1: "it failed; `db check`, `doctor` and `demo`: something wrong was found",
    2: "the command line, a setting or the input is not right; nothing was enqueued",
    3: "nothing matched: there is no such task, attempt, worker, crew, schedule, hook or token",
    4: "the database cannot be used, or is of another version",
    5: "the application cannot be imported",
    6: "a task that was waited for failed or was cancelled",
    7: "the wait timed out",
    130: "SIGINT (Ctrl-C)",
    143: "SIGTERM",
}
"""Every exit code, for people."""


@dataclass
class Ending:
    """How much is told, and in what form."""

    in_json: bool = False
    verbosity: int = 0

    def of(self, error: BaseException) -> int:
        """Tell what went wrong; returns the exit code."""
        if isinstance(error, errors.JobrunnerError):
            return self._told(error)
        if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort":
            return 128 + signal.SIGINT
        # Typer turns a closed pipe into an exit of its own.
        if isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError):
            drop_output()
            return 0
        if isinstance(error, SystemExit):
            return error.code if isinstance(error.code, int) else 0
        if hasattr(error, "exit_code"):  # one of Typer's own
            return self._wrong_usage(error)
        return self._unexpected(error)

    def _told(self, error: errors.JobrunnerError) -> int:
        if self.verbosity > 1:
            traceback.print_exception(error)
        self._say(code_name(type(error)), str(error), error.hint)
        return exit_code(type(error))

    def _wrong_usage(self, error: Any) -> int:
        if type(error).__name__ == "NoArgsIsHelpError":
            return tell_help(error.format_message())
        context = getattr(error, "ctx", None)
        hint = f"See `{context.command_path} --help`." if context else ""
        problem = " ".join(error.format_message().split())
        self._say("usage", problem[:1].lower() + problem[1:], hint)
        return int(error.exit_code)

    def _unexpected(self, error: BaseException) -> int:
        if isinstance(error, OSError):
            drop_output()  # as on a full disk: Python must not fail again when it ends
        if self.verbosity > 1:
            traceback.print_exception(error)
        first = str(error).partition("\n")[0]
        said = f"{type(error).__name__}: {first}" if first else type(error).__name__
        self._say("internal", said, "Run it again with -vv to see where.")
        return 1

    def _say(self, code: str, message: str, hint: str) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            render.error(code, message, hint, in_json=self.in_json)


def exit_code(kind: type[errors.JobrunnerError]) -> int:
    """The exit code of a kind of error."""
    return next((code for known, code in EXIT_CODES.items() if issubclass(kind, known)), 1)


def code_name(kind: type[errors.JobrunnerError]) -> str:
    """The stable name of a kind of error in JSON: `task_not_found`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__.removesuffix("Error")).lower()


def drop_output() -> None:
    """Send to nowhere what is still to be written: whoever read it has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is None:
            continue
        try:
            stream.flush()
        except (OSError, ValueError):  # broken, or closed
            with contextlib.suppress(OSError, ValueError):
                os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def tell_help(text: str) -> int:
    """The help of a command that only has others, which in a script is an error."""
    if render.is_terminal():
        render.out(text)
        return 0
    render.talk(text)
    return 2
