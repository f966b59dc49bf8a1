"""What a shell is offered for a word that is begun: from the file, and without SQLAlchemy."""

import os
import subprocess

import pytest

from jobrunner import NewTask
from jobrunner.storage.glimpse import NEWEST
from tests.cli.conftest import JOBRUNNER


@pytest.fixture
def offered(cli):
    """Ask as fish does: a word and what it is on each line."""

    def ask(line, *options, **environment):
        asked = {"_JOBRUNNER_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
        ran = subprocess.run(
            [JOBRUNNER[0], *options, *JOBRUNNER[1:]],
            cwd=cli.folder,
            env={**os.environ, **asked, "_TYPER_COMPLETE_ARGS": line, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        ask.imported = ran.stderr
        return dict(f"{line}\t".split("\t")[:2] for line in ran.stdout.splitlines() if line)

    return ask


def test_ids_come_with_the_status_and_the_name(cli, offered):
    cli.enqueue(description="the \x1b[31mfirst")
    for _ in range(10):
        cli.enqueue()
    assert offered("jobrunner task show 1") == {
        "1": "pending the \\x1b[31mfirst",
        "10": "pending add",
        "11": "pending add",
    }


def test_queues_and_functions_of_the_file_that_is_named(cli, offered):
    cli.enqueue("thumbnail", queue="images")
    cli.process("queue", "limit", "in%use", "--concurrency", 2)
    cli.queue.close()
    (cli.folder / "jobs.db").rename(cli.folder / "other.db")
    assert offered("jobrunner --db other.db work --queue i").keys() == {"images", "in%use"}
    assert offered("jobrunner --db other.db queue pause in%").keys() == {"in%use"}
    assert offered("jobrunner --db other.db enqueue th").keys() == {"thumbnail"}
    assert offered("jobrunner queue pause i") == {}


def test_only_the_newest_are_looked_through(cli, offered):
    cli.enqueue(queue="old")
    cli.queue.enqueue_ids([NewTask(function="add")] * NEWEST)
    assert offered("jobrunner queue pause ").keys() == {"default"}


@pytest.mark.parametrize(
    "database", ["postgresql://localhost/jobs", "missing.db", "application.py"]
)
def test_nothing_is_offered_where_there_is_no_file_of_ours(offered, database):
    assert offered(f"jobrunner --db {database} task show ") == {}


def test_no_file_is_made_and_nothing_heavy_imported(cli, offered):
    offered("jobrunner task show 1", "-X", "importtime", JOBRUNNER_DB="new.db")
    assert not (cli.folder / "new.db").exists()
    assert "typer" in offered.imported
    of_other_commands = ("jobrunner.cli.status", "jobrunner.cli.report_text", "jobrunner.cli.units")
    heavy = ("sqlalchemy", "alembic", "rich", "asyncio", *of_other_commands)
    imported = {line.rpartition("|")[2].strip() for line in offered.imported.splitlines()}
    assert imported.isdisjoint(heavy)
    assert "jobrunner.storage.glimpse" in imported
