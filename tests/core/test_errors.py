"""The tree that is drawn is the tree that is there."""

import inspect
import re

import pytest

from jobrunner.core import control_errors, errors, schedule_errors, web_errors
from jobrunner.core.role import Role

CLASSES = {
    name: found
    for module in (errors, control_errors, schedule_errors, web_errors)
    for name, found in vars(module).items()
    if inspect.isclass(found) and issubclass(found, errors.JobrunnerError)
}


def drawn():
    """Each class of the drawing with its parent."""
    path = []
    for line in errors.__doc__.splitlines():
        match = re.fullmatch(r"([│├└─ ]*)(\w+Error)\b.*", line)
        if match:
            depth = len(match[1]) // 4
            path = [*path[:depth], match[2]]
            yield match[2], path[-2] if depth else "Exception"


def test_the_drawing_shows_every_class_below_its_parent():
    assert dict(drawn()) == {name: found.__base__.__name__ for name, found in CLASSES.items()}


EXAMPLES = [
    errors.InvalidTaskError("queue must have a name", field="queue"),
    errors.PayloadError("args is not JSON", field="args"),
    errors.CycleError(["a", "b", "a"]),
    control_errors.DuplicateTaskError("document:7", 7),
    control_errors.DuplicateTaskError("document:7", None),
    errors.UnknownParentError(7),
    errors.UnknownFunctionError("f", ["g", "h"]),
    errors.UnknownFunctionError("f", []),
    errors.DuplicateFunctionError("f"),
    schedule_errors.InvalidScheduleError("it never fires"),
    schedule_errors.ScheduleNotFoundError("nightly", []),
    errors.TaskNotFoundError(7),
    errors.TaskStateError(7, "is pending"),
    control_errors.WorkerNotFoundError("night"),
    control_errors.HookNotFoundError("ops"),
    control_errors.DuplicateHookError("ops"),
    errors.TaskFailedError(7, "failed", "broken"),
    errors.TaskFailedError(7, "cancelled", None),
    errors.WaitTimeoutError([1, 2, 3, 4, 5, 6], 1.5),
    control_errors.DrainTimeoutError("images", 2, 5.0),
    errors.LeaseLostError(7),
    control_errors.EventTimeoutError("approved"),
    control_errors.StepError("two steps are named so"),
    errors.ApplicationError("app:queue", "no module named app"),
    errors.ConfigurationError("the port is no number"),
    errors.DatabaseError("the disk is full"),
    errors.SchemaError("too new"),
    errors.LastingError("it is of no use"),
    errors.DatabaseDamagedError("the file is damaged"),
    errors.DatabaseMovedError("it has moved"),
    errors.MoveError("tasks", "jobs.db"),
    errors.DiskFullError("the disk is full"),
    errors.ConflictError("two waited for each other"),
    errors.CommitUnknownError("it may be there or not"),
    web_errors.UnauthenticatedError(),
    web_errors.ForbiddenError("commands are not taken here"),
    web_errors.RoleError("ada", Role.READ, Role.OPERATE),
    web_errors.ReadOnlyError(),
    web_errors.TokenNotFoundError("ada"),
    web_errors.IdempotencyError("the key stands for another request"),
    web_errors.TooManyRequestsError(0.5),
    web_errors.TooManyStreamsError(200),
    web_errors.ServerError("it is of another version"),
    web_errors.UnreachableError("http://localhost:8750", "connection refused"),
    web_errors.AnswerLostError("http://localhost:8750", "the connection was cut"),
    web_errors.UnexpectedAnswerError("no such page", 404),
]


def test_every_class_has_an_example_here():
    assert {type(error) for error in EXAMPLES} == set(CLASSES.values()) - {errors.JobrunnerError}


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_is_one_sentence_and_a_next_step(error):
    assert str(error)
    assert "\n" not in str(error)
    assert not str(error).endswith(".")
    assert not error.hint or error.hint.endswith(".")


def test_a_wait_that_timed_out_names_five_tasks_at_most():
    error = errors.WaitTimeoutError([1, 2, 3, 4, 5, 6, 7], 1.5)
    assert str(error) == "not ended within 1.5 s: task 1, 2, 3, 4, 5 and 2 more"
    assert error.task_ids == (1, 2, 3, 4, 5, 6, 7)
