"""The page of schedules works as it stands: its program, and its console from top to bottom."""

import re
from pathlib import Path

from jobrunner import schedules
from tests.test_readme import run

PAGE = (Path(__file__).parents[2] / "docs" / "schedules.md").read_text(encoding="utf-8")


def test_its_program_and_its_console_work(tmp_path):
    (program,) = re.findall(r"```python\n# app\.py\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "app.py").write_text(program)
    (console,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    lines = console.splitlines()
    commands = "\n".join(line[2:] for line in lines if line.startswith("$ "))
    promised = [line for line in lines if not line.startswith("$ ")]
    printed = run(tmp_path, f"export JOBRUNNER_DB=jobs.db\n{commands}").splitlines()
    assert [line for line in printed if line in promised] == promised
    assert (tmp_path / "id.txt").read_text().strip().isdigit()


def test_every_method_and_word_is_told():
    methods = [name for name in vars(schedules.Schedules) if not name.startswith("_")]
    assert all(f"`{name}`" in PAGE or f".{name}(" in PAGE for name in methods)
