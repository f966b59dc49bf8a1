"""Settings: a flag before the environment, that before the file, that before the default."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobrunner import TaskQueue
from jobrunner.config import Settings, load, load_application, must_exist, open_queue
from jobrunner.core.errors import ApplicationError, ConfigurationError, DatabaseError

FILE = """
[tool.jobrunner]
db = "file.db"
app = "application:queue"
log_format = "json"
"""


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in ("application", "json_like", "quitting"):
        sys.modules.pop(name, None)


def settings(folder: Path, flags: Settings | None = None, **environment: str) -> Settings:
    return load(flags or Settings(), environment=environment, folder=folder)


def test_nothing_is_said_unless_somebody_says_it(tmp_path):
    assert settings(tmp_path) == Settings()


def test_a_flag_goes_before_the_environment_and_that_before_the_file(tmp_path):
    (tmp_path / "pyproject.toml").write_text(FILE)
    from_file = settings(tmp_path)
    assert from_file == Settings(str(tmp_path / "file.db"), "application:queue", "json")
    assert settings(tmp_path, JOBRUNNER_DB="environment.db").db == "environment.db"
    flags = Settings(db="flag.db")
    found = settings(tmp_path, flags, JOBRUNNER_DB="environment.db", JOBRUNNER_LOG_FORMAT="text")
    assert found == Settings("flag.db", "application:queue", "text")


def test_an_empty_variable_says_nothing(tmp_path):
    assert settings(tmp_path, JOBRUNNER_DB="").db is None


def test_the_nearest_file_counts_and_its_path_is_relative_to_it(tmp_path):
    (tmp_path / "pyproject.toml").write_text(FILE)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert settings(inner).db == str(tmp_path / "file.db")
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert settings(inner) == Settings()


def test_a_url_in_the_file_stays_as_it_is(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.jobrunner]\ndb = 'postgresql://host/name'")
    assert settings(tmp_path).db == "postgresql://host/name"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("not toml", "cannot be read"),
        ("[tool.jobrunner]\ndb = 7", "db = 7 has no meaning"),
        ("[tool.jobrunner]\ndatabase = 'x'", "database = 'x' has no meaning"),
        ("[tool]\njobrunner = 7", "jobrunner must be a table"),
        ("tool = 7", "tool must be a table"),
    ],
)
def test_a_file_without_meaning_is_told(tmp_path, text, problem):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=problem):
        settings(tmp_path)


def application(text: str) -> None:
    Path("application.py").write_text(f"from jobrunner import TaskQueue\n{text}\n")


def test_the_queue_is_the_applications_own_unless_a_database_is_named(tmp_path):
    application("queue = TaskQueue('own.db')\n@queue.task\ndef add(): pass")
    own = open_queue(Settings(app="application:queue"))
    assert own is load_application("application")
    own.enqueue(own.new_task("add"))
    other = open_queue(Settings(app="application:queue", db="other.db"))
    assert other is own  # what the functions enqueue goes where they come from
    other.enqueue(other.new_task("add"))
    assert {path.name for path in tmp_path.glob("*.db")} == {"own.db", "other.db"}
    own.close()
    other.close()


def test_without_anything_it_is_a_file_in_the_present_folder(tmp_path):
    queue = open_queue(Settings())
    queue.upgrade()
    assert (tmp_path / "jobrunner.db").exists()
    queue.close()


def test_the_attribute_may_lie_deeper():
    application("class holder:\n    queue = TaskQueue('own.db')")
    assert isinstance(load_application("application:holder.queue"), TaskQueue)


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("absent", "No module named 'absent'"),
        ("application:absent", "no attribute 'absent'"),
        ("application:TaskQueue", "not TaskQueue"),
        ("", "."),
        (":queue", "."),
        (".application", "."),
        ("application:queue.", "no attribute ''"),
    ],
)
def test_what_is_no_application_is_told(reference, problem):
    application("queue = TaskQueue('own.db')")
    with pytest.raises(ApplicationError, match=problem):
        load_application(reference)


def test_an_application_that_exits_on_import_is_told():
    Path("quitting.py").write_text("raise SystemExit(3)")
    with pytest.raises(ApplicationError, match="SystemExit: 3"):
        load_application("quitting")


def test_who_only_looks_needs_a_database_that_is_there(tmp_path):
    with pytest.raises(DatabaseError, match="there is no database"):
        must_exist(Settings(db="typo.db"))
    must_exist(Settings(app="application:queue"))
    assert list(tmp_path.iterdir()) == []
