"""A task that makes no sense is refused, by the name of its field, before anything is stored."""

import contextlib
import itertools
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobrunner.core.errors import InvalidTaskError, TaskFailedError, TaskStateError
from jobrunner.core.new_task import NewTask
from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)

BAD = {
    "function": [None, "", "a\0", 5],
    "args": ["text", 5, None, {1}, iter([])],
    "kwargs": [[1], 5, None, {1: 2}],
    "queue": ["", None, 5, "a\0", "\ud800"],
    "priority": ["1", 1.0, None, True, 2**31, -(2**31) - 1],
    "description": [None, 5, "a\0", "\ud800"],
    "delay": [-SECOND, None, 5, timedelta.max],
    "run_at": [NOW.replace(tzinfo=None), "tomorrow", 5],
    "timeout": [timedelta(), -SECOND, 5, "5", timedelta.max],
    "max_attempts": [0, -1, 10_001, None, 1.0, True],
    "cwd": ["relative", "", 5, "/a\0"],
    "after": [5, None, "12", [None], ["1"], [0], [-1], [2**63], [True], [1.0]],
    "after_any": [5, None, ["x"]],
}
BAD_COMMANDS = [[], "ls -l", b"ls", ["ls", 5], ["a\0"], [None], ["\ud800"], 5, iter(["ls"])]


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, bad in BAD.items() for value in bad]
)
def test_a_bad_field_is_refused_by_its_name(field, value):
    with pytest.raises(InvalidTaskError) as refused:
        NewTask(**({"function": "work"} | {field: value}))
    assert refused.value.field == field
    assert field in str(refused.value)


@pytest.mark.parametrize("command", BAD_COMMANDS, ids=itertools.count())
def test_a_bad_command_is_refused(command):
    with pytest.raises(InvalidTaskError) as refused:
        NewTask(command=command)
    assert refused.value.field == "command"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"function": "work", "command": ["ls"]},
        {"command": ["ls"], "args": [1]},
        {"command": ["ls"], "kwargs": {"a": 1}},
    ],
)
def test_a_task_is_either_a_function_with_arguments_or_a_command(fields):
    with pytest.raises(InvalidTaskError):
        NewTask(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"args": (1, 2), "kwargs": MappingProxyType({"a": 1})},
        {"priority": 2**31 - 1, "max_attempts": 10_000},
        {"priority": -(2**31), "max_attempts": 1},
        {"delay": timedelta(days=36_500), "timeout": timedelta(microseconds=1)},
        {"run_at": datetime(1999, 1, 1, tzinfo=timezone(-SECOND))},
        {"cwd": "/"},
        {"after": [1, 2**63 - 1], "after_any": (NewTask(function="x"),)},
        {"description": "ü \x1b[31m", "queue": " "},
    ],
    ids=str,
)
def test_a_good_task_is_accepted(fields):
    NewTask(function="work", **fields)


@given(st.datetimes(timezones=st.timezones()))
def test_any_moment_is_accepted_or_refused_by_name(moment):
    with contextlib.suppress(InvalidTaskError):
        task = NewTask(function="work", run_at=moment)
        assert task.run_at is not None
        assert task.run_at.astimezone(UTC) - moment == timedelta()


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"function": "work"}, "work"),
        ({"function": "work", "description": "Working"}, "Working"),
        ({"command": ["ls", "-l"]}, "ls -l"),
    ],
)
def test_a_task_is_called_by_its_description_or_by_what_it_runs(fields, name):
    assert NewTask(**fields).name == name


class Source:
    """Tells how a task stands now."""

    def __init__(self, now):
        self.now = now

    def get(self, task_id):
        assert task_id == self.now.id
        return self.now

    def wait(self, tasks, *, timeout):
        assert timeout == 3
        return [self.now for _ in tasks]


def stored(status, **fields):
    return Task(
        id=TaskId(1),
        status=status,
        queue="default",
        function="work",
        command=None,
        cwd=None,
        args=(),
        kwargs={},
        priority=0,
        description="",
        attempt=0,
        max_attempts=5,
        crashes=0,
        timeout=None,
        created_at=NOW,
        run_at=NOW,
        **fields,
    )


def test_a_result_is_what_the_function_returned():
    assert stored(Status.COMPLETED, returned=[1]).result() == [1]


def test_a_result_is_looked_up_when_the_task_was_still_open():
    done = stored(Status.COMPLETED, returned=7)
    assert stored(Status.PENDING, source=Source(done)).result() == 7


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_a_task_without_success_has_no_result(status):
    with pytest.raises(TaskFailedError, match=f"task 1 {status}: broken") as told:
        stored(status, error="broken").result()
    assert (told.value.status, told.value.error) == (status, "broken")


def test_an_open_task_has_no_result_yet():
    waiting = stored(Status.PENDING)
    with pytest.raises(TaskStateError, match="no result yet"):
        stored(Status.PENDING, source=Source(waiting)).result()


def test_waiting_returns_the_task_as_it_is_then():
    done = stored(Status.COMPLETED)
    assert stored(Status.PENDING, source=Source(done)).wait(3) is done
    assert stored(Status.PENDING, source=Source(done)).refresh() is done


@pytest.mark.parametrize("call", [Task.refresh, Task.wait])
def test_a_task_without_a_queue_says_so(call):
    with pytest.raises(TaskStateError, match="was not read from a queue"):
        call(stored(Status.PENDING))
