"""The page on executors works as it stands: its plug-in keeps the promises of the kit."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import jobrunner.executors
from jobrunner import TaskQueue, Worker

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "executors.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```(?:python|toml)\n# (\w+\.\w+)\n(.*?)```", PAGE, re.DOTALL))
PROMISES = "test_pool_executor.py"


@pytest.fixture
def installed(pytester, monkeypatch):
    """What the page installs, in a folder on the path and without a network."""
    for name, text in EXAMPLES.items():
        (pytester.path / name).write_text(text)
    site = pytester.path / "site"
    offline = ("--no-index", "--no-build-isolation", "--no-deps")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", *offline, "--target", str(site))
    subprocess.run([*pip, "."], cwd=pytester.path, check=True, timeout=60)
    monkeypatch.setenv("PYTHONPATH", str(site))
    return site


def test_the_plug_in_of_the_page_keeps_all_promises(pytester, installed):
    (pytester.path / "pool_executor.py").unlink()  # it is the installed one that is tested
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-W", "error", PROMISES)
    outcomes = result.parseoutcomes()
    assert set(outcomes) == {"passed"}
    assert outcomes["passed"] > 25


def test_the_command_line_finds_the_plug_in_of_the_page(installed, tmp_path):
    command = [sys.executable, "-m", "jobrunner", "work", "--executor", "pool", "--until-empty"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60, capture_output=True)


def test_the_plug_in_of_the_page_takes_its_size_in_python(installed, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(installed)
    (line,) = re.findall(r"^Worker\(.*\)\.run\(\)$", PAGE, re.MULTILINE)
    queue = TaskQueue(tmp_path / "jobs.db")
    task = queue.enqueue_command(["true"])
    run = line.replace(".run()", ".run(until_empty=True)")
    exec(run, {"Worker": Worker, "queue": queue})  # noqa: S102 — what the page says
    assert task.result() == 0
    queue.close()


def test_no_command_of_a_page_installs_what_is_not_published():
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    assert [page.name for page in pages if "install 'durable-" in page.read_text()] == []


def test_every_public_name_is_told():
    assert [name for name in jobrunner.executors.__all__ if f"`{name}" not in PAGE] == []
