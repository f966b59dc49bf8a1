"""An error that a server tells is raised as what it was."""

import json

import pytest

from jobrunner.core.batch import BatchNotFoundError
from jobrunner.core.error_objects import URN, kind_of, members_of, read_problem
from jobrunner.core.errors import InvalidTaskError, PayloadError, UnknownParentError
from jobrunner.core.lines import InvalidLineError
from jobrunner.core.web_errors import ServerError, UnexpectedAnswerError
from tests.core.test_errors import EXAMPLES


def told(error):
    problem = {"type": URN + kind_of(error), "detail": str(error), "hint": error.hint}
    return json.loads(json.dumps(problem | members_of(error)))


@pytest.mark.parametrize(
    "error",
    [one for one in EXAMPLES if not isinstance(one, ServerError)] + [BatchNotFoundError(7)],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_read_back(error):
    found = read_problem(told(error), 400)
    assert type(found) is type(error)
    assert (str(found), found.hint) == (str(error), error.hint)
    assert members_of(found) == members_of(error)


def test_of_a_task_among_many_what_was_wrong_with_it_is_raised():
    error = InvalidLineError(3, "it cannot be")
    error.__cause__ = UnknownParentError(7)
    found = read_problem(told(error), 422)
    assert type(found) is UnknownParentError
    assert found.parent == 7


def test_a_value_that_a_server_refuses_is_that_of_a_field():
    problem = {
        "type": "urn:jobrunner:invalid-request",
        "detail": "body.priority: too large",
        "errors": [{"at": "body.priority", "problem": "too large"}],
    }
    found = read_problem(problem, 422)
    assert type(found) is InvalidTaskError
    assert found.field == "priority"


def test_what_is_too_large_is_an_error_of_the_payload():
    assert type(read_problem({"type": "about:blank", "detail": "too large"}, 413)) is PayloadError


@pytest.mark.parametrize("problem", [{}, {"type": "urn:jobrunner:of-tomorrow", "detail": "no"}])
def test_an_error_that_nobody_knows_is_told_as_it_is(problem):
    found = read_problem(problem, 418)
    assert isinstance(found, UnexpectedAnswerError)
    assert found.status == 418
