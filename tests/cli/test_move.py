"""`db move`: the work goes on in the new place, and the old one says where that is."""

import os
from pathlib import Path

import pytest

from jobrunner import TaskQueue
from jobrunner.core.status import Status
from jobrunner.storage.dialect import say
from jobrunner.storage.engine import Database
from tests.cli.movers import fill, move, tasks_of, total, work


def test_work_that_is_half_done_goes_on_there_and_back_here(cli, there):
    count = fill("jobs.db", chains=200)
    work(cli, "jobs.db", "--max-tasks", "1000")
    first = move(cli, "jobs.db", there).json
    assert {"table": "tasks", "rows": 2_000}.items() <= tasks_of(first).items()
    assert total(there)[Status.COMPLETED] == 1_000
    work(cli, there, "--max-tasks", "500")
    onward = move(cli, there, "jobs.db").json
    assert tasks_of(first)["checksum"] != tasks_of(onward)["checksum"]
    again = move(cli, "jobs.db", there).json
    assert again["tables"] == onward["tables"]
    assert work(cli, there).code == 0
    queue = TaskQueue(there)
    assert queue.counts()[Status.COMPLETED] == count
    assert {task.attempt for task in queue.find(limit=count)} == {1}
    assert queue.check() == []
    queue.close()


def test_the_old_place_names_the_new_one(cli, there):
    fill("jobs.db")
    ran = cli("db", "move", "--to", there)
    assert ran.code == 0
    assert ran.out.splitlines()[0].split("\t") == ["table", "rows", "checksum"]
    name = Database(there).name
    assert ran.err == f"Moved to {name}: use it with --db from now on.\n"
    for words in (["enqueue", "work"], ["work", "-A", "app"], ["task", "list"]):
        ran = cli(*words)
        assert (ran.code, ran.out) == (4, "")
        assert ran.err.splitlines() == [
            f"jobrunner: the database {cli.folder}/jobs.db was moved to {name}.",
            f"Use --db {name}.",
        ]
    assert move(cli, "jobs.db", there).error["code"] == "database_moved"


def test_an_old_place_that_is_opened_again_works_as_before(cli, there):
    fill("jobs.db")
    assert cli("db", "move", "--reopen").out == f"{cli.folder}/jobs.db was not moved; it is open.\n"
    move(cli, "jobs.db", there)
    ran = cli("db", "move", "--reopen")
    assert ran.out == f"{cli.folder}/jobs.db is open again; do not use {Database(there).name}.\n"
    assert cli("enqueue", "work").code == 0
    assert "is not empty" in move(cli, "jobs.db", there).error["message"]


def test_a_move_that_fails_leaves_the_source_as_it_was(cli, places):
    place, to = places
    fill(place)
    before = total(place)
    queue = TaskQueue(to)
    queue.upgrade()
    with queue.database.writing() as transaction:
        meddle(transaction)
    ran = move(cli, place, to)
    assert (ran.code, ran.error["code"]) == (1, "move")
    assert total(place) == before
    assert total(to) is None
    assert cli.process("--db", place, "enqueue", "work").code == 0
    queue.close()


def meddle(transaction):
    """Have a database refuse no task, and alter each that it is given."""
    altered = "UPDATE tasks SET queue = 'x'"
    say(
        transaction,
        file=[f"CREATE TRIGGER meddle AFTER INSERT ON tasks BEGIN {altered}; END"],
        server=[f"CREATE RULE meddle AS ON INSERT TO dependencies DO ALSO {altered}"],
    )


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ("db move", 2, "it takes either --to or --reopen"),
        ("db move --to x.db --reopen", 2, "it takes either --to or --reopen"),
        ("db move --to jobs.db", 4, "it is the database itself"),
        ("--db none.db db move --to x.db", 4, "there is no database"),
        ("db move --to mysql://x/y", 4, "databases of kind 'mysql' are not supported"),
        ("db move --to no/folder.db", 4, "does not exist"),
    ],
)
def test_what_cannot_be_moved_is_told(cli, words, code, sentence):
    cli.enqueue()
    ran = cli(*words.split())
    assert (ran.code, ran.out) == (code, "")
    assert sentence in ran.err
    assert cli("enqueue", "add").code == 0


def test_a_database_of_another_version_is_to_be_upgraded_first(cli, there):
    assert os.environ["JOBRUNNER_DB"] == "jobs.db"
    ran = cli("--db", there, "db", "move", "--to", "x.db")
    assert (ran.code, ran.err.splitlines()[1]) == (
        4,
        "Run `jobrunner db upgrade`; nothing was changed.",
    )
    assert not Path("x.db").exists()
