"""`jobrunner sql`: every form of an answer, and what is no question."""

import csv
import io
import re
import shlex
from pathlib import Path

import pytest

from tests.cli.test_terminal import COLUMNS, HOSTILE, plain
from tests.cli.test_terminal import terminal as terminal  # noqa: PLC0414 — a fixture

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


@pytest.fixture
def asked(cli):
    """Two tasks, one of them with a text that is not to reach a terminal."""
    cli.enqueue(description=HOSTILE)
    cli.enqueue(command=["true"])
    return lambda *words: cli("sql", *words)


QUESTION = "SELECT id, name, description, error FROM v_tasks ORDER BY id"


def test_in_a_pipe_it_is_lines(asked):
    heading, first, second = asked(QUESTION).out.splitlines()
    assert heading.split("\t") == ["id", "name", "description", "error"]
    assert second.split("\t") == ["2", "true", "", ""]
    assert "\x1b" not in first


def test_json_has_the_values_as_they_are(asked):
    first, second = asked(QUESTION, "--json").json
    assert first["description"] == HOSTILE
    assert second == {"id": 2, "name": "true", "description": "", "error": None}


def test_csv_is_read_back(asked):
    rows = list(csv.reader(io.StringIO(asked(QUESTION, "--csv").out)))
    assert rows[0] == ["id", "name", "description", "error"]
    assert rows[1][2] == HOSTILE


def test_on_a_terminal_it_is_a_table_that_fits(asked, terminal):
    lines = plain(terminal("--db", "jobs.db", "sql", QUESTION))
    assert all(len(line) <= COLUMNS for line in lines)
    assert lines[0].split() == ["id", "name", "description", "error"]
    views = plain(terminal("--db", "jobs.db", "sql"))
    assert all(len(line) <= COLUMNS for line in views)


def test_without_a_question_it_tells_the_views(cli):
    views = cli("sql", "--json").json
    assert "cpu_s" in views["v_attempts"]
    assert cli("sql").out.splitlines()[1].startswith("v_tasks\t")


def test_it_reads_a_question_from_stdin(asked, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT count(*) AS n\nFROM v_tasks;\n"))
    assert asked("-", "--json").json == [{"n": 2}]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["SELECT nowhere FROM v_tasks"], "no such column: nowhere"),
        (["DELETE FROM tasks"], "only a SELECT"),
        (["SELECT 1", "--csv", "--json"], "two forms"),
    ],
)
def test_what_is_no_question_ends_with_a_sentence(asked, words, says):
    ran = asked(*words)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


def test_a_database_that_is_not_there_is_not_made(cli):
    ran = cli("sql", "SELECT 1", "--db", "other.db")
    assert ran.code == 4
    assert not (cli.folder / "other.db").exists()


def test_the_questions_of_the_page_have_answers(asked, monkeypatch):
    (block,) = re.findall(r"```console\n(.*?)```", (DOCS / "sql.md").read_text(), re.DOTALL)
    commands = [shlex.split(line.removeprefix("$ ")) for line in block.splitlines()]
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 1"))
    for program, _, *words in commands:
        ran = asked(*[word for word in words if word not in {"<", ">"} and "." not in word[-5:]])
        assert (program, ran.code) == ("jobrunner", 0), ran.err
