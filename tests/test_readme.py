"""The README works as it stands: its console blocks and its program, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8")
SKIPPED = ("make ", "export ", "cd ")
"""Lines that set up what a test has already."""


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)


def environment(folder: Path) -> dict[str, str]:
    """What a shell goes by where `jobrunner` is the command of this checkout."""
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    command = tools / "jobrunner"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m jobrunner "$@"\n')
    command.chmod(0o755)
    kept = {name: os.environ[name] for name in os.environ if "JOBRUNNER" not in name}
    return kept | {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(README.parent)}


def run(folder: Path, script: str) -> str:
    """Run a shell script there; returns stdout."""
    ended = subprocess.run(
        ["/bin/sh", "-e", "-c", script],
        cwd=folder,
        env=environment(folder),
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def console() -> tuple[str, list[str]]:
    """All console blocks as one script, and what they promise to print."""
    script: list[str] = []
    promised: list[str] = []
    waiting = ""
    for line in "".join(blocks("console")).splitlines():
        if waiting:
            script.append(line)
            waiting = "" if line == waiting else waiting
        elif not line.startswith("$ "):
            promised.append(line)
        elif not line.startswith(tuple(f"$ {word}" for word in SKIPPED)):
            script.append(line.removeprefix("$ "))
            waiting = match[1] if (match := re.search(r"<<'(\w+)'", line)) else ""
    return "\n".join(script), promised


def test_it_is_short():
    assert len(TEXT.splitlines()) < 150


def test_every_line_of_its_console_blocks_works_and_prints_what_is_promised(tmp_path):
    script, promised = console()
    assert script.count("jobrunner ") >= 5
    printed = run(tmp_path, script).splitlines()
    assert [line for line in printed if line in promised][: len(promised)] == promised
    assert (tmp_path / "sorted.txt").read_text().split() == list("123456789")


@pytest.mark.parametrize("lines", [re.findall(r"`(jobrunner -A [^`]+)`", TEXT.replace("\n", " "))])
def test_its_program_works_and_so_do_its_functions_from_the_shell(tmp_path, lines):
    (tmp_path / "app.py").write_text(blocks("python")[0])
    said = run(tmp_path, f'"{sys.executable}" app.py').splitlines()
    assert "b.png at 200" in said[-1]
    assert len(lines) == 2
    enqueue, work = lines
    run(tmp_path, f"{enqueue}\n{work} --until-empty")
    assert "c.png at 300" in run(tmp_path, "jobrunner --db jobs.db task list --limit 1 --json")
