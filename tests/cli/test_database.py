"""Databases that cannot be used: one sentence, a next step, exit code 4, nothing half-written."""

import sqlite3

import pytest

WORDS = (["enqueue", "f"], ["status"], ["work", "--until-empty"], ["task", "cancel", "1"])


@pytest.fixture(params=WORDS, ids=" ".join)
def words(request):
    return request.param


def refused(ran, sentence):
    assert (ran.code, ran.out) == (4, "")
    first, second = ran.err.splitlines()
    assert sentence in first
    assert second.endswith(".")
    return first


def test_a_missing_folder(cli, words):
    refused(cli("--db", "absent/jobs.db", *words), "absent")
    assert not (cli.folder / "absent").exists()


def test_a_folder(cli, words):
    (cli.folder / "sub").mkdir()
    refused(cli("--db", "sub", *words), "is a folder")
    refused(cli("--db", "/", *words), "/ is a folder")
    assert list(cli.folder.glob("sub*")) == [cli.folder / "sub"]


def test_what_is_no_database(cli, words):
    (cli.folder / "jobs.db").write_text("a diary, not a database\n" * 100)
    refused(cli(*words), "is not an SQLite database")
    assert (cli.folder / "jobs.db").read_text().startswith("a diary")


def test_the_database_of_a_newer_version(cli, words):
    cli.enqueue()
    with cli.queue.transaction() as connection:
        connection.exec_driver_sql("UPDATE jobrunner_version SET version_num = '9999'")
    refused(cli(*words), "was made by a newer jobrunner (schema 9999")


def test_the_database_of_another_program(cli, words):
    with sqlite3.connect(cli.folder / "jobs.db") as connection:
        connection.execute("CREATE TABLE tasks (id)")
    connection.close()
    refused(cli(*words), "holds a table named tasks that is not jobrunner's")


@pytest.mark.parametrize(
    "name", ["mysql://host/name", "sqlite://", "nonsense://", "sqlite:///:memory:"]
)
def test_a_url_of_another_kind(cli, name):
    assert cli("--db", name, "enqueue", "f").code == 4


def test_the_file_of_somebody_else(cli):
    """As root nothing is read-only by its mode: SQLite's own switch stands in."""
    cli.enqueue()
    uri = f"sqlite:///file:{cli.folder}/jobs.db?mode=ro&uri=true"
    ran = cli("--db", uri, "enqueue", "f")
    assert ran.code == 4
    assert cli.queue.counts()["pending"] == 1


@pytest.mark.parametrize("words", [["status"], ["report"], ["task", "list"], ["db", "check"]])
def test_who_only_looks_makes_no_database(cli, words):
    first = refused(cli("--db", "typo.db", *words), "there is no database")
    assert str(cli.folder / "typo.db") in first
    assert [path.name for path in cli.folder.iterdir()] == ["application.py"]
