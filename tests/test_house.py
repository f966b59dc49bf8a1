"""The rules of the house that no linter states: sizes, first lines, public names, open files."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

import jobrunner

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = re.compile(r"\.git|\.venv.*|\..*cache|\.hypothesis|__pycache__|build|dist|.*\.db.*")

PUBLIC = [
    "Cache",
    "Cancel",
    "CycleError",
    "DatabaseError",
    "DuplicateTaskError",
    "EventTimeoutError",
    "InvalidTaskError",
    "JobrunnerError",
    "LeaseLostError",
    "NewTask",
    "PayloadError",
    "Result",
    "Retry",
    "Scheduler",
    "SchemaError",
    "Snooze",
    "Status",
    "Task",
    "TaskFailedError",
    "TaskNotFoundError",
    "TaskQueue",
    "TaskStateError",
    "Unique",
    "UnknownFunctionError",
    "UnknownParentError",
    "WaitTimeoutError",
    "Worker",
    "__version__",
    "chain",
    "context",
    "group",
]

# Closing a descriptor of the database drops the locks its process holds on it, and with them
# acknowledged commits. Who opens a file at all stands here, with what it opens.
MAY_OPEN = {
    "cli/endings.py",  # /dev/null, for what nobody reads any more
    "cli/enqueue.py",  # the file of JSON lines
    "cli/report_file.py",  # the page that was asked for, never the database
    "config.py",  # pyproject.toml
    "demo/job.py",  # the library's modules, to copy them
    "demo/tasks.py",  # the copies, and what it makes of them
    "demo/verdict.py",  # the library's modules, and what the tasks made of them
    "report_page/style.py",  # the style sheet of the report as a page
    "runtime/contents.py",  # the inputs and outputs of tasks, never the database
    "runtime/identity.py",  # the kernel's boot id
    "runtime/liveness.py",  # the workers' lock files
    "storage/copies.py",  # a finished copy and its folder, to bring them to the disk
    "storage/kernel.py",  # what is under /proc
    "storage/sqlite.py",  # the new database, before its first connection; the turnstile
    "web/assets.py",  # the files that pages load, to name them by their content
    "testing/crash_ledger.py",  # the kills that were made, in a file of its own
}

# Tests that sleep to be slow, never to wait for something.
MAY_SLEEP = {"crash/application.py"}


def files(folder: Path) -> Iterator[Path]:
    """Every file of a checkout that may be committed."""
    for path in sorted(folder.iterdir()):
        if SKIPPED.fullmatch(path.name):
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def modules(*folders: str) -> list[Path]:
    return [path for name in folders for path in files(ROOT / name) if path.suffix == ".py"]


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def calls(path: Path, names: set[str]) -> set[str]:
    """Which functions or methods of these names a module calls; program text is no call."""
    called = (
        node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    )
    return {getattr(call, "attr", getattr(call, "id", "")) for call in called} & names


def within(path: Path, folder: str) -> str:
    return path.relative_to(ROOT / folder).as_posix()


@pytest.mark.parametrize("path", modules("jobrunner", "tests", "tools"), ids=lambda path: path.name)
def test_a_file_fits_into_250_lines(path: Path) -> None:
    assert lines(path) <= 250


def test_half_of_the_modules_stay_under_100_lines() -> None:
    assert median(map(lines, modules("jobrunner"))) < 100


@pytest.mark.parametrize("path", modules("jobrunner", "tests", "tools"), ids=lambda path: path.name)
def test_a_module_begins_with_one_sentence(path: Path) -> None:
    first = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
    assert re.fullmatch(r"[A-Z`].*[.?!]", first), first
    assert not re.search(r"\. [A-Z]", first), "more than one sentence"


def test_a_test_that_a_comment_names_is_there() -> None:
    named = {
        name
        for path in modules("jobrunner", "migrations")
        for name in re.findall(r"guarded by[\s#]+(test_\w+)", path.read_text())
    }
    there = {
        name
        for path in modules("tests")
        for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert named
    assert named - there == set()


def test_the_public_names_are_these() -> None:
    assert list(jobrunner.__all__) == sorted(PUBLIC)
    assert all(hasattr(jobrunner, name) for name in PUBLIC)


def test_only_the_storage_names_a_driver() -> None:
    driver = re.compile(r"^\s*(?:import|from) (?:sqlite3|pysqlite3|psycopg)", re.MULTILINE)
    speakers = {
        within(path, "jobrunner")
        for path in modules("jobrunner")
        if driver.search(path.read_text())
    }
    assert all(name.startswith("storage/") for name in speakers), speakers


def test_only_two_modules_ask_which_database_it_is() -> None:
    question = re.compile(r"dialect\.name|get_backend_name")
    askers = {
        within(path, "jobrunner")
        for path in modules("jobrunner")
        if question.search(path.read_text())
    }
    assert askers == {"storage/dialect.py", "storage/location.py"}


def test_only_these_modules_open_files() -> None:
    opening = {
        "copy",
        "copy2",
        "copyfile",
        "copyfileobj",
        "open",
        "read_bytes",
        "read_text",
        "write_bytes",
        "write_text",
    }
    openers = {within(path, "jobrunner") for path in modules("jobrunner") if calls(path, opening)}
    assert openers == MAY_OPEN


def test_no_test_sleeps_to_wait() -> None:
    sleepers = {within(path, "tests") for path in modules("tests") if calls(path, {"sleep"})}
    assert sleepers == MAY_SLEEP


def test_no_file_names_a_machine_or_a_registry() -> None:
    place = re.compile(r"(?<![\w.*-])/(?:work|root|home)/|pypi\.org|pythonhosted\.org|npm(?:js)")
    found = [str(path) for path in files(ROOT) if place.search(path.read_text(errors="ignore"))]
    assert found == []
