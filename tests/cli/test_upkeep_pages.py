"""The pages on upkeep, hooks and history work as they stand: their commands, their programs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


@pytest.mark.parametrize("name", ["upkeep", "hooks", "history"])
def test_the_commands_of_a_page_do_what_they_say(cli, monkeypatch, name):
    monkeypatch.setenv("OPS_SECRET", "whsec_c2VjcmV0")
    cli("enqueue", "add", "a:=1")
    blocks = re.findall(r"```console\n(.*?)```", (DOCS / f"{name}.md").read_text(), re.DOTALL)
    commands = [line.removeprefix("$ ") for line in "".join(blocks).splitlines()]
    assert len(commands) > 5
    for command in commands:
        program, *words = shlex.split(command)
        ran = cli(*words)
        assert (program, ran.code) == ("jobrunner", 0), f"{command}: {ran.err}"


def test_the_program_of_the_page_on_hooks_calls_them(tmp_path):
    (program,) = re.findall(r"```python\n(.*?)```", (DOCS / "hooks.md").read_text(), re.DOTALL)
    (tmp_path / "app.py").write_text(program)
    ran = subprocess.run(
        [sys.executable, "app.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines() == [
        "task 1 is in_progress",
        "divide begins, attempt 1",
        "divide: failed ZeroDivisionError: division by zero",
        "task 1 has failed: ZeroDivisionError: division by zero",
        "task 1 is failed",
    ]


def test_the_program_of_the_page_on_history_tells_it(tmp_path):
    (program,) = re.findall(r"```python\n(.*?)```", (DOCS / "history.md").read_text(), re.DOTALL)
    (tmp_path / "past.py").write_text(program)
    ran = subprocess.run(
        [sys.executable, "past.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines() == [
        "enqueued None pending None",
        "started pending in_progress None",
        "failed in_progress failed ZeroDivisionError: division by zero",
        "retried failed pending None",
        "4 changes",
        "1 was pending then",
    ]
