"""What holds for the whole suite: both databases, one server a run, no test skipped in CI."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobrunner.runtime import collector
from jobrunner.storage import migrate
from jobrunner.storage.engine import Database
from tests.databases import Postgres, Supply
from tools import postgres

KINDS = ("sqlite", "postgresql")
"""The databases that everything runs on."""

FOLDER = "JOBRUNNER_TEST_PG_FOLDER"
"""Where the server of this run is; whoever needs it first starts it."""
URL = "JOBRUNNER_TEST_PG_URL"
"""A server to use instead, such as postgresql://postgres@localhost/postgres."""


def pytest_configure(config: pytest.Config) -> None:
    """Name the place of the server to the processes that run the tests."""
    if not hasattr(config, "workerinput"):
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="pg-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server with the run."""
    if hasattr(config, "workerinput"):
        return
    folder = Path(os.environ[FOLDER])
    if (folder / "data" / "postmaster.pid").exists():
        postgres.Server(folder).stop("immediate")
    shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_finish() -> None:
    """Have the collector leave alone what was imported, and the tests themselves."""
    collector.calm()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in CI that skipped a test: a missing tool must not pass for success."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and terminal and terminal.stats.get("skipped"):
        terminal.write_line("\nA test was skipped, which CI does not allow.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """The server of this run."""
    supply = Supply(os.environ.get(URL) or _started())
    yield supply
    supply.close()


def _started() -> str:
    folder = Path(os.environ[FOLDER])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = postgres.Server(folder)
        if not server.is_running():
            server.start()
    return server.url()


@pytest.fixture(scope="session")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the newest tables, to be copied: to make one takes longer than most tests."""
    path = tmp_path_factory.mktemp("made") / "jobs.db"
    database = Database(path)
    migrate.upgrade(database)
    database.close()
    return path


@pytest.fixture(params=KINDS)
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a database is that has its tables: a file, and one of a server."""
    with _place(request, tmp_path, empty=False) as place:
        yield place


@pytest.fixture(params=KINDS)
def empty_location(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a database may be made, a file and one of a server; there are no tables yet."""
    with _place(request, tmp_path, empty=True) as place:
        yield place


@contextlib.contextmanager
def _place(request: pytest.FixtureRequest, tmp_path: Path, *, empty: bool) -> Iterator[str]:
    if request.param == "sqlite":
        made = None if empty else request.getfixturevalue("made_file")
        for name in ("jobs.db", "jobs.db.lock") if made else ():
            shutil.copy(made.with_name(name), tmp_path / name)
        yield str(tmp_path / "jobs.db")
    else:
        with request.getfixturevalue("server").database(empty=empty) as url:
            yield url
