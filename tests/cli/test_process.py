"""The command as a process: pipes that close, full disks, start-up, where settings come from."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobrunner import NewTask

LOADED = """
import sys
from jobrunner.cli import app
code = app.run(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture
def many(cli):
    cli.queue.enqueue_ids([NewTask(function="add") for _ in range(3_000)])
    return cli


@pytest.mark.parametrize("words", ["task list --limit 3000", "task list --limit 3000 --json"])
def test_a_reader_that_goes_away_is_no_error(many, words):
    process = many.start(*words.split())
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 0
    process.stderr.close()


def test_a_reader_that_was_never_there_is_no_error(many):
    reading, writing = os.pipe()
    os.close(reading)
    process = many.start("status", stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    _, err = process.communicate()
    assert process.returncode == 0
    assert "Traceback" not in err
    assert "Broken" not in err


def test_a_full_disk_is_told(many):
    with Path("/dev/full").open("w") as full:
        process = many.start("task", "list", stdout=full, stderr=subprocess.PIPE)
        _, err = process.communicate()
    assert process.returncode == 1
    assert err.startswith("jobrunner: OSError: [Errno 28] No space left on device")
    assert "Exception ignored" not in err


def test_without_any_stdout_it_still_works(cli):
    command = [sys.executable, "-m", "jobrunner", "enqueue", "f"]
    shell = 'exec "$@" >&-'
    ended = subprocess.run(
        ["/bin/sh", "-c", shell, "sh", *command], check=False, capture_output=True
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert cli.queue.counts()["pending"] == 1


@pytest.mark.parametrize("words", ["--help", "--version", "task --help", "enqueue --help"])
def test_help_is_quick_for_it_imports_nothing_heavy(cli, words):
    ended = subprocess.run(
        [sys.executable, "-c", LOADED, *words.split()], check=True, capture_output=True, text=True
    )
    loaded = set(ended.stderr.split())
    heavy = ("sqlalchemy", "alembic", "rich", "asyncio", "multiprocessing", "jobrunner.storage")
    assert loaded.isdisjoint(heavy)


def test_help_does_not_read_settings(cli):
    (cli.folder / "pyproject.toml").write_text("not toml")
    assert cli.process("task", "list", "--help").code == 0
    assert cli.process("task", "list").code == 2


def test_output_is_utf_8_whatever_the_locale(cli):
    cli.enqueue(description="Zoë 日本")
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ran = cli.process("task", "list", env=environment, encoding="utf-8")
    assert "Zoë 日本" in ran.out


def test_many_lines_come_from_a_pipe_and_empty_input_is_nothing(cli):
    lines = "".join(json.dumps({"function": "f"}) + "\n" for _ in range(2_500))
    ran = cli.process("enqueue", "--from", "-", input=lines)
    assert ran.out == "".join(f"{number}\n" for number in range(1, 2_501))
    assert ran.err == ""
    ran = cli.process("enqueue", "--from", "-", input="\n")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert json.loads(cli.process("enqueue", "--from", "-", "--json", input="").out) == {}


def test_the_module_is_the_command(cli):
    assert cli.process("--help").out.startswith("Usage: jobrunner [OPTIONS] COMMAND")


def test_options_of_all_commands_may_stand_anywhere(cli):
    for words in (
        ("--db", "x.db", "-A", "application:queue", "enqueue", "add", "a=1"),
        ("enqueue", "add", "a=1", "--db=x.db", "-Aapplication:queue"),
        ("enqueue", "--db", "x.db", "add", "--app=application:queue", "a=1"),
    ):
        assert cli(*words).code == 0, words
    assert [task["id"] for task in cli("task", "list", "--json", "--db", "x.db").json] == [3, 2, 1]
