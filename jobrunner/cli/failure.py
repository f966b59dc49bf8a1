"""How a command fails: one sentence, a next step, and the exit code of the error's class."""

import re
import traceback
from typing import Final

from typer.exceptions import TyperException

from jobrunner.cli import render
from jobrunner.cli.state import State
from jobrunner.core import errors

EXIT_CODES: Final[dict[type[errors.JobrunnerError], int]] = {
    errors.UnknownFunctionError: 2,
    errors.InvalidTaskError: 2,
    errors.ConfigurationError: 2,
    errors.TaskNotFoundError: 3,
    errors.NothingGivenError: 3,
    errors.DatabaseError: 4,
    errors.ApplicationError: 5,
    errors.TaskFailedError: 6,
    errors.WaitTimeoutError: 7,
}
"""The first of these that an error is decides the exit code; any other is 1."""


def tell(error: Exception, state: State) -> int:
    """Tell what went wrong on stderr; returns the exit code."""
    if state.verbosity > 1:
        traceback.print_exception(error)
    if isinstance(error, errors.JobrunnerError):
        exit_code = next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), 1)
        render.error(_code(error), str(error), error.hint, in_json=state.in_json)
        return exit_code
    if isinstance(error, TyperException):
        return _tell_usage(error, state)
    problem = " ".join(f"{type(error).__name__}: {error}".split())
    hint = "This is a fault of jobrunner: report it with what -vv shows."
    render.error("internal", problem, hint, in_json=state.in_json)
    return 1


def _code(error: errors.JobrunnerError) -> str:
    """The class as a word for programs, such as `task_not_found`; a line's error is its base."""
    public = (kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
    kind = next(public, errors.JobrunnerError)
    if kind is errors.JobrunnerError:
        kind = type(error)
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__.removesuffix("Error")).lower()


def _tell_usage(error: TyperException, state: State) -> int:
    context = getattr(error, "ctx", None)
    problem = " ".join(error.format_message().split())
    hint = f"See `{context.command_path} --help`." if context else ""
    render.error("usage", problem[:1].lower() + problem[1:], hint, in_json=state.in_json)
    return error.exit_code
