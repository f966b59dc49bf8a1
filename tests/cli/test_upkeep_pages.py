"""The pages on upkeep and on hooks work as they stand: their commands and their program."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


@pytest.mark.parametrize("name", ["upkeep", "hooks"])
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
