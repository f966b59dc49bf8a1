"""Results of parents as arguments, in every executor: functions, commands, files."""

import json
import sys
from pathlib import Path

import pytest

from jobrunner import NewTask, Result, chain, group
from jobrunner.core.errors import InvalidTaskError, PayloadError, UnknownParentError
from tests.runtime.functions import fail
from tests.runtime.passing import add_to, echo, echo_async, fail_given, length, silent

SHOW_FILE = """
import os
path = os.environ["JOBRUNNER_RESULTS"]
print(oct(os.stat(path).st_mode & 0o777), path, open(path).read())
"""


def returned(task):
    return task.refresh().returned


@pytest.mark.parametrize("executor", ["thread", "process", "async"])
def test_a_task_among_the_arguments_stands_for_its_result(queue, drain, executor):
    one, two = queue.enqueue_many([echo.bind(1), echo.bind("ö\\")])
    new = echo.bind([3], None)
    own = {"$result": 7, "$$result": [8], "text": '{"$result":1}'}
    deep = echo_async.bind({"x": [one, {"y": new}], **own}, z=[Result(two.id)])
    stored, task = queue.enqueue_many([new, deep])
    assert task.after == (one.id, two.id, stored.id)
    assert task.args[0]["x"] == [{"$result": one.id}, {"y": {"$result": stored.id}}]
    drain(executor=executor)
    first = {"x": [[[1], {}], {"y": [[[3], None], {}]}], **own}
    assert returned(task) == [[first], {"z": [[["ö\\"], {}]]}]
    assert queue.get(task.id).args == task.args


def test_a_result_is_none_if_its_task_need_not_complete_and_did_not(queue, drain):
    bad = queue.enqueue(fail.using(max_attempts=1).bind())
    task = queue.enqueue(echo.using(after_any=[bad]).bind(bad))
    never = queue.enqueue(echo.bind(bad))
    drain()
    assert returned(task) == [[None], {}]
    assert never.refresh().status == "cancelled"


def test_results_are_parts_of_a_command(queue, drain):
    text, data, nothing = queue.enqueue_many(
        [NewTask(command=["echo", "a b"], result="stdout"), echo.bind(1), silent.bind()]
    )
    task = queue.enqueue_command(
        [sys.executable, "-c", "import sys; print(sys.argv[1:])", text, data, nothing],
        result="stdout",
    )
    assert task.command[3:] == tuple(f"<result of task {t.id}>" for t in (text, data, nothing))
    drain()
    assert returned(task) == "['a b', '[[1],{}]', 'null']"
    assert returned(text) == "a b"


def test_a_command_finds_the_results_of_its_parents_in_a_file_of_its_own(queue, drain):
    parents = queue.enqueue_many([echo.bind(1), silent.bind()])
    bad = queue.enqueue(fail.using(max_attempts=1).bind())
    show = [sys.executable, "-c", SHOW_FILE]
    task = queue.enqueue(
        NewTask(command=show, after=parents, after_any=[bad], results=True, result="stdout")
    )
    drain()
    mode, path, text = returned(task).split(" ", 2)
    assert mode == "0o600"
    assert json.loads(text) == {str(parents[0].id): [[1], {}], str(parents[1].id): None} | {
        str(bad.id): None
    }
    assert not Path(path).exists()


def test_a_stdout_that_is_cut_is_no_result(queue, drain):
    task = queue.enqueue_command(["head", "-c", "300000", "/dev/zero"], result="stdout")
    drain()
    assert (task.refresh().status, task.refresh().attempt) == ("failed", 1)
    assert "over 131,072 bytes" in task.refresh().error


def test_who_retries_long_after_the_result_was_deleted_is_told(queue, drain):
    parent = queue.enqueue(echo.bind(1))
    (task,) = queue.enqueue_many([fail_given.using(max_attempts=1).bind(parent)])
    drain()
    with queue.database.writing() as transaction:
        transaction.exec_driver_sql(f"DELETE FROM tasks WHERE id = {parent.id}")  # noqa: S608
    queue.retry(task.id)
    drain()
    assert task.refresh().error == (
        f"the result of task {parent.id}, which it is to be given, was deleted"
    )


def test_results_count_by_themselves_against_the_limit(queue, drain):
    large = "x" * 900_000
    parents = queue.enqueue_many([echo.bind(large), echo.bind(large)])
    task = queue.enqueue(length.bind(parents))
    drain()
    assert returned(task) == [900_000, 900_000]


def test_a_plain_task_has_no_extras(queue):
    queue.enqueue_many([echo.bind({"$result": 1}), NewTask(command=["true"])])
    with queue.database.reading() as transaction:
        assert transaction.exec_driver_sql("SELECT count(*) FROM payloads").scalar() == 0


def test_an_unknown_task_among_the_arguments_is_refused(queue):
    with pytest.raises(UnknownParentError):
        queue.enqueue(echo.bind(echo.bind(1)))
    with pytest.raises(UnknownParentError):
        queue.enqueue(echo.bind(Result(99)))
    with pytest.raises(PayloadError, match="not JSON"):
        queue.enqueue(echo.bind(object()))
    endless = [Result(1), object()]
    endless.append(endless)
    with pytest.raises(PayloadError):
        queue.enqueue(echo.bind(endless))
    assert sum(queue.counts().values()) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"function": "echo", "results": True},
        {"function": "echo", "result": "stdout"},
        {"command": ["ls"], "result": "stderr"},
        {"command": ["ls"], "results": "yes"},
        {"command": ["ls", 1]},
    ],
)
def test_what_only_a_command_has_is_refused_elsewhere(fields):
    with pytest.raises(InvalidTaskError):
        NewTask(**fields)


@pytest.mark.parametrize("task_id", [0, -1, 2**63, True, "1", None, 1.0])
def test_a_result_names_an_id(task_id):
    with pytest.raises(InvalidTaskError):
        Result(task_id)


def test_a_chain_fans_out_and_in_and_passes_results(queue, drain):
    steps = chain(echo.bind(1), group(add_to.bind, [10, 20]), length.bind(), results=True)
    *_, last = queue.enqueue_many(steps)
    drain()
    assert [queue.get(i).returned for i in last.after] == [[[[1], {}], 10], [[[1], {}], 20]]
    assert last.refresh().returned == [2, 2]


def test_a_chain_of_commands_passes_what_they_print(queue, drain):
    say = [NewTask(command=["echo", word], result="stdout") for word in "ab"]
    *_, last = queue.enqueue_many(chain(say[0], say[1], results=True))
    drain()
    assert last.refresh().returned == "b a"
    assert queue.enqueue_many(chain()) == []
