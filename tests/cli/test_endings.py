"""How a command ends: exit code, one sentence and a next step, the same in JSON."""

import pytest

from jobrunner.cli import endings
from jobrunner.core import errors
from jobrunner.task_queue import TaskQueue

TOO_LARGE = (2**63, 2**64, 10**30)


def everything(kind=errors.JobrunnerError):
    """Every public kind of error."""
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from everything(child)


def test_each_kind_of_error_has_its_exit_code():
    codes = {kind.__name__: endings.exit_code(kind) for kind in everything()}
    assert codes == {
        "InvalidTaskError": 2,
        "PayloadError": 2,
        "CycleError": 2,
        "UnknownParentError": 2,
        "UnknownFunctionError": 2,
        "DuplicateFunctionError": 1,
        "TaskNotFoundError": 3,
        "TaskStateError": 1,
        "TaskFailedError": 6,
        "WaitTimeoutError": 7,
        "LeaseLostError": 1,
        "MoveError": 1,
        "ApplicationError": 5,
        "ConfigurationError": 2,
        "DatabaseError": 4,
        "SchemaError": 4,
        "LastingError": 4,
        "DatabaseDamagedError": 4,
        "DatabaseMovedError": 4,
        "DiskFullError": 4,
        "ConflictError": 4,
        "CommitUnknownError": 4,
    }
    assert {*codes.values(), 0, 130, 143} == set(endings.MEANINGS)


def test_each_kind_of_error_has_a_stable_name():
    assert [endings.code_name(kind) for kind in everything()] == [
        *("invalid_task", "payload", "cycle", "unknown_parent", "unknown_function"),
        *("duplicate_function", "task_not_found", "task_state"),
        *("task_failed", "wait_timeout"),
        *("lease_lost", "move", "application", "configuration", "database", "schema"),
        *("lasting", "database_damaged", "database_moved", "disk_full", "conflict"),
        "commit_unknown",
    ]


def test_an_error_is_a_sentence_and_a_next_step(cli):
    cli("db", "upgrade")
    ran = cli("task", "show", 7)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.splitlines() == [
        "jobrunner: there is no task 7.",
        "List what there is with `jobrunner task list`.",
    ]


def test_in_json_an_error_is_an_object_on_stderr(cli):
    cli("db", "upgrade")
    ran = cli("task", "show", 7, "--json")
    assert (ran.code, ran.out) == (3, "")
    assert ran.error == {
        "code": "task_not_found",
        "message": "there is no task 7",
        "hint": "List what there is with `jobrunner task list`.",
    }


@pytest.mark.parametrize("task_id", TOO_LARGE)
@pytest.mark.parametrize(
    "words",
    [
        *("task show", "task explain", "task log", "task cancel", "task retry", "task wait"),
        "task update -p 1",
    ],
)
def test_an_id_too_large_for_the_database_is_just_not_there(cli, words, task_id):
    cli("db", "upgrade")
    ran = cli(*words.split(), task_id)
    assert ran.code == 3
    assert f"there is no task {task_id}" in ran.err


@pytest.mark.parametrize(
    "words", ["task show", "task explain", "task log", "task cancel", "task wait"]
)
def test_a_negative_id_is_just_not_there(cli, words):
    cli("db", "upgrade")
    assert cli(*words.split(), "--", -1).code == 3
    assert cli(*words.split(), 0).code == 3


@pytest.mark.parametrize("parent", [2**63, -1, 0])
def test_a_parent_that_can_be_no_id_is_wrong_input(cli, parent):
    ran = cli("enqueue", f"--after={parent}", "--", "ls")
    assert ran.code == 2
    assert "after must be from 1 to" in ran.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("enqueue -p high f", 2),
        ("enqueue -p 2147483648 f", 2),
        ("enqueue --max-attempts 0 f", 2),
        ("enqueue --timeout 0 f", 2),
        ("enqueue --timeout soon f", 2),
        ("enqueue --at tomorrow f", 2),
        ("enqueue --after 7 f", 2),
        ("enqueue --queue= f", 2),
        ("enqueue --nice f", 2),
        ("task list --limit 0", 2),
        ("task show one", 2),
        ("work --queue =3", 2),
        ("work --queue a=b", 2),
        ("work -c 0", 2),
        ("work --workers 0", 2),
        ("work --executor gpu", 2),
        ("work --heartbeat 0", 2),
        ("work --log-format xml", 2),
        ("report x", 2),
        ("nothing", 2),
        ("-A absent:queue work", 5),
        ("-A json:queue enqueue f", 5),
        ("-A json:loads enqueue f", 5),
        ("-A application:queue enqueue ad", 2),
    ],
)
def test_what_is_wrong_is_told_in_two_lines_and_stores_nothing(cli, words, code):
    cli("db", "upgrade")
    ran = cli(*words.split())
    assert (ran.code, ran.out) == (code, "")
    first, *rest = ran.err.splitlines()
    assert first.startswith("jobrunner: ")
    assert first.endswith(".")
    assert len(rest) <= 1
    assert cli.queue.find() == []


def test_a_typing_error_in_a_function_gets_a_proposal(cli):
    ran = cli("-A", "application:queue", "enqueue", "thumbnial", "path=a")
    assert "no function named 'thumbnial'" in ran.err
    assert "Did you mean 'thumbnail'?" in ran.err


def test_without_an_application_any_function_is_stored_and_fails_with_a_clear_error(cli):
    cli.enqueue("anything", max_attempts=1)
    cli.drain()
    assert "no function named 'anything' is registered" in cli.queue.get(1).error


def test_an_application_that_fails_on_import_is_told_with_its_own_words(cli):
    (cli.folder / "broken.py").write_text("raise ValueError('out\\nof order')")
    ran = cli("-A", "broken:queue", "work")
    assert ran.code == 5
    assert "ValueError: out" in ran.err


def test_what_nobody_foresaw_is_one_line_and_the_way_to_more(cli, monkeypatch):
    def fail(*_):
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr(TaskQueue, "counts", fail)
    monkeypatch.setattr(TaskQueue, "status", fail, raising=False)
    cli.enqueue()
    ran = cli("status")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "jobrunner: RuntimeError: first.",
        "Run it again with -vv to see where.",
    ]
    assert "in fail" in cli("status", "-vv").err


def test_only_vv_shows_where_an_error_came_from(cli):
    cli("db", "upgrade")
    assert "Traceback" not in cli("task", "show", 7).err + cli("-v", "task", "show", 7).err
    assert "Traceback" in cli("task", "show", 7, "-vv").err


@pytest.mark.parametrize("words", [[], ["task"], ["worker"], ["db"]])
def test_without_a_command_a_person_gets_help_and_a_script_an_error(cli, monkeypatch, words):
    ran = cli(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "Commands:" in ran.err
    monkeypatch.setattr("jobrunner.cli.render.is_terminal", lambda: True)
    ran = cli(*words)
    assert (ran.code, ran.err) == (0, "")
    assert "Commands:" in ran.out


def test_the_version_is_told(cli):
    from jobrunner import __version__

    assert cli("--version").out == f"jobrunner {__version__}\n"
