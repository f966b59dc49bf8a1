"""What a person sees: tables that fit 80 columns, a bar on stderr only, nothing that deceives."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from tests.runtime.support import PATIENCE

COLUMNS = 80
LONG = "a description that is much longer than any terminal is wide, " * 3
HOSTILE = "red \x1b[31m, reversed \u202e, bell \x07, [bold]markup[/bold]"


def plain(lines):
    """The lines without rich's own bold and cursor movements."""
    return [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line).rstrip() for line in lines]


@pytest.fixture
def terminal(tmp_path):
    """Runs a command on a terminal of 80 columns; returns its lines."""

    def run(*words):
        return on_terminal(tmp_path, "-m", "jobrunner", *map(str, words)).split("\n")

    return run


def on_terminal(folder, *words):
    """What a run of Python shows that has stdout and stderr on a terminal of 80 columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"},
    )
    os.close(slave)
    shown = bytearray()
    try:
        while data := os.read(master, 65536):
            shown += data
    except OSError:  # how Linux tells that the other side is closed
        pass
    os.close(master)
    process.wait(timeout=PATIENCE)
    return shown.decode().replace("\r\n", "\n")


def test_a_table_has_one_line_a_task_however_long_its_name(cli, terminal):
    ids = [cli.enqueue(description=LONG, queue="q" * 50) for _ in range(3)]
    heading, *lines = filter(None, plain(terminal("task", "list")))
    assert heading.split()[:3] == ["id", "status", "task"]
    assert [int(line.split()[0]) for line in lines] == ids[::-1]
    assert all(len(line) <= COLUMNS for line in lines)
    assert all("pending" in line and "…" in line for line in lines)


def test_ids_and_moments_are_never_broken(cli, terminal):
    cli.enqueue(command=["sh", "-c", f"echo {LONG!r} >&2; exit 3"], max_attempts=1)
    cli.drain()
    shown = "\n".join(plain(terminal("task", "show", 1)))
    (attempt,) = cli("task", "show", 1, "--json").json["attempts"]
    assert attempt["started_at"][:19] in shown.partition("attempt  outcome")[2]
    assert attempt["worker_id"] in "\n".join(terminal("worker", "list", "--all"))


def test_the_report_and_the_status_fit(cli, terminal):
    cli.enqueue("fail", description=LONG, max_attempts=1)
    cli.enqueue(command=["true"])
    cli.drain()
    for command in ("report", "status"):
        assert max(map(len, plain(terminal(command)))) <= COLUMNS


def test_an_explanation_fits_however_much_there_is_to_say(cli, terminal):
    cli.enqueue(description=LONG, queue="q" * 50)
    cli.enqueue(after=[1], queue="q" * 50)
    cli("queue", "pause", "q" * 50)
    for task_id in (1, 2):
        assert max(map(len, plain(terminal("task", "explain", task_id)))) <= COLUMNS


def test_queues_and_schedules_keep_their_names(cli, terminal):
    cli.enqueue(queue="pictures")
    cli("queue", "limit", "pictures", "--concurrency", 2, "--rate", "10/1m")
    cli("queue", "pause", "pictures")
    heading, line, *_ = plain(terminal("queue", "list"))
    assert (heading.split()[0], line.split()[:3]) == ("queue", ["pictures", "1", "pending"])
    cli("schedule", "add", "nightly", "0 2 * * *", "--tz", "Europe/Paris", "--", "true")
    _, line, *_ = plain(terminal("schedule", "list"))
    assert line.startswith("nightly  0 2 * * *  Europe/Paris  ")
    for command in ("queue", "schedule"):
        assert max(map(len, plain(terminal(command, "list")))) <= COLUMNS


def test_the_doctor_fits_and_his_next_steps_stand_below(cli, terminal):
    cli.enqueue(queue=HOSTILE)
    (cli.folder / "jobs.db").chmod(0o644)
    lines = plain(terminal("doctor"))
    assert max(map(len, lines)) <= COLUMNS
    assert {line.split()[0] for line in lines if line[:1].strip()} == {"ok", "warning"}
    assert "Run `chmod go-rwx" in "\n".join(lines)


def test_a_path_cannot_steer_the_terminal(cli, terminal):
    shown = "\n".join(terminal("--db", "\x1b[31mred.db", "doctor"))
    assert "\x1b[31m" not in shown
    assert "\\x1b[31mred.db" in shown.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize("command", ["task list", "task show 1", "task explain 2"])
def test_text_of_tasks_cannot_steer_the_terminal(cli, terminal, command):
    cli.enqueue(description=HOSTILE)
    cli.enqueue(after=[1])
    shown = "\n".join(terminal(*command.split()))
    assert "\x1b[31m" not in shown
    assert "\u202e" not in shown
    assert "\x07" not in shown
    assert "red \\x1b[31m" in shown


def test_markup_in_text_is_shown_as_it_is(cli, terminal):
    cli.enqueue(description="[bold]x[/bold]")
    assert "[bold]x[/bold]" in "\n".join(terminal("task", "list"))


def test_work_shows_a_bar_and_logs_only_warnings_above_it(cli, terminal):
    for _ in range(3):
        cli.enqueue()
    cli.enqueue("fail", max_attempts=1)
    shown = "\n".join(terminal("-A", "application:queue", "work", "--until-empty"))
    assert "Working" in shown
    assert "Tasks     4: 3 completed, 1 failed" in shown
    assert "info " not in shown
    (line,) = [line for line in plain(shown.splitlines()) if "task 4 fail: Failed" in line]
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z error ", line)


def test_in_a_pipe_there_is_no_bar(cli):
    cli.enqueue()
    ran = cli.process("-A", "application:queue", "work", "--until-empty")
    assert "Working" not in ran.err
    assert "\x1b" not in ran.out + ran.err


def test_in_a_pipe_nothing_is_cut(cli):
    cli.enqueue(description=LONG)
    assert LONG in cli("task", "list").out
