"""Every command of the reference, on a terminal of 80 columns without colours, and as JSON."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
import typer

from jobrunner import NewTask
from jobrunner.cli.app import app
from tests.cli.test_terminal import COLUMNS, LONG, on_terminal, plain

LINES = (
    "enqueue add a:=1 --description {long} --queue images",
    "enqueue --delay 1h -- echo {long}",
    "report",
    "report --by function",
    "report --by hour",
    "report --as-of 1s",
    "report --html report.html",
    "status",
    "events --since 1h",
    "simulate --workers 1,2,4",
    "sql",
    "sql 'SELECT * FROM v_tasks'",
    "doctor",
    "task list",
    "task show 1",
    "task show 3",
    "task explain 5",
    "task log 3",
    "task history 3",
    "task update 6 --priority 3",
    "task cancel 6",
    "task retry 6",
    "task wait 1",
    "task delete 2 --yes",
    "worker list --all",
    "worker crews",
    "worker pause night --crew",
    "worker resume night --crew",
    "worker resize night 3 --crew",
    "queue list",
    "queue pause images",
    "queue resume images",
    "queue limit images --concurrency 2 --rate 10/1m",
    "queue drain idle --timeout 5s",
    "key list",
    "key limit tenant --concurrency 2",
    "schedule add {long} '0 2 * * *' --tz Europe/Paris -- echo {long}",
    "schedule list",
    "schedule show nightly",
    "schedule pause nightly",
    "schedule resume nightly",
    "schedule run nightly",
    "schedule remove nightly",
    "batch list",
    "batch show 1",
    "hook add told --on failed -- echo {long}",
    "hook list",
    "hook pause told",
    "hook resume told",
    "hook test told",
    "hook remove told",
    "db upgrade",
    "db check",
    "db backup copy.db",
    "db retention",
    "db prune --older-than 30d --yes",
    "event send {long}",
    "event list",
    "token add {long}",
    "token list",
    "token remove {long}",
    "unit systemd",
    "unit k8s",
    "unit compose",
    "work --duration 500ms",
)
"""In this order; `{long}` is a long name."""

ELSEWHERE = {
    "serve": "test_serve.py",
    "mcp": "test_mcp.py",
    "demo": "test_demo.py",
    "crashtest": "test_crashtest.py",
    "worker drain": "test_crews.py",
    "worker stop": "test_crews.py",
    "db restore": "test_backup.py",
    "db move": "test_move.py",
    "import huey": "test_imports.py",
    "import rq": "test_imports.py",
}
"""What does not end, needs another system, or moves the database itself."""

AS_WRITTEN = ("report --html", "unit ", "enqueue", "sql", "task log", "token add")
"""What prints text to be copied, or the name that was given."""


LOGGED = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z ")
"""A line of the log, which is not broken."""


@pytest.fixture
def filled(cli):
    """Six tasks with long names: completed, failed, with attempts, waiting, in a batch."""
    queue = cli.queue
    queue.batches.enqueue_ids(
        [NewTask(function="add", args=[1], description=LONG) for _ in range(2)], description=LONG
    )
    queue.enqueue(NewTask(command=["sh", "-c", f"echo {LONG!r} >&2; exit 3"], max_attempts=1))
    queue.enqueue(NewTask(function="add", args=[1], queue="q" * 60))
    cli.drain()
    cli.enqueue(description=LONG, after=[4], concurrency_key=f"tenant:{'k' * 60}")
    cli.enqueue(delay=timedelta(hours=1))
    cli("schedule", "add", "nightly", "@daily", "--", "true")
    return cli


def words(line):
    long = "n" * 50
    return [word.strip("'").format(long=long) for word in re.findall(r"'[^']*'|\S+", line)]


def leaves(command, names=()):
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from leaves(below, (*names, name))
    else:
        yield " ".join(names)


def test_none_is_missing():
    commands = set(leaves(typer.main.get_command(app)))
    tried = {name for name in commands if any(f"{line} ".startswith(f"{name} ") for line in LINES)}
    assert commands == tried | ELSEWHERE.keys()
    there = {path.name for path in Path(__file__).parents[1].rglob("test_*.py")}
    assert set(ELSEWHERE.values()) <= there


ONE_BY_ONE = """
import json, sys
from jobrunner.cli import app, render
render.set_up()
for words in json.loads(sys.argv[1]):
    app.run(["-A", "application:queue", *words])
    print("\\0", end="", flush=True)
"""
"""One process for all of them: most of the time of a command it starts."""


def test_each_fits_a_terminal_of_80_columns_and_shows_no_colour(filled):
    wide, coloured = [], []
    lines_of_words = json.dumps([words(line) for line in LINES])
    *parts, rest = on_terminal(filled.folder, "-c", ONE_BY_ONE, lines_of_words).split("\0")
    parts[-1] += rest  # a log is written by a thread
    for line, part in zip(LINES, parts, strict=True):
        shown = part.split("\n")
        if not line.startswith(AS_WRITTEN):
            lines = [one.rpartition("\r")[2] for one in plain(shown)]  # as a bar leaves them
            told = [one for one in lines if not LOGGED.match(one)]
            wide += [f"{line}: {one}" for one in told if len(one) > COLUMNS]
        coloured += [line for one in shown if re.search(r"\x1b\[[0-9;]*\b(3|4|9)[0-7]m", one)]
        assert "Traceback" not in "".join(shown), shown
    assert wide == []
    assert coloured == []


def test_each_that_prints_data_prints_json(filled):
    tree = typer.main.get_command(app)
    for line in LINES:
        if not takes_json(tree, words(line)):
            continue
        cut = words(line)
        at = cut.index("--") if "--" in cut else len(cut)
        ran = filled("-A", "application:queue", *cut[:at], "--json", *cut[at:])
        assert ran.code == 0, f"{line}: {ran.err}"
        assert "\x1b" not in ran.out
        documents = ran.out.splitlines() if line.startswith("events") else [ran.out]
        assert documents or line.startswith("events")
        assert all(json.loads(one) is not None for one in documents), line


def takes_json(command, line):
    for word in line:
        if not hasattr(command, "commands"):
            break
        command = command.commands[word]
    return any("--json" in parameter.opts for parameter in command.params)
