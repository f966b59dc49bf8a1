"""Every block of code in the documentation is run by a test, and every command in it exists."""

import re
import shlex
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from jobrunner import Worker
from jobrunner.cli.app import app
from jobrunner.cli.state import State
from jobrunner.cli.words import arranged
from tests.test_readme import run

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
}

RUN_BY = {
    "README.md": "test_readme.py",
    "docs/api.md": "web/test_api_page.py",
    "docs/cache.md": "runtime/test_pages.py",
    "docs/client.md": "web/test_client_page.py",
    "docs/control.md": "runtime/test_control_page.py",
    "docs/dashboard.md": "test_machine_pages.py",
    "docs/django.md": "contrib/test_django_page.py",
    "docs/estimates.md": "test_estimates_page.py",
    "docs/executors.md": "executors/test_page.py",
    "docs/explain.md": "runtime/test_pages.py",
    "docs/fastapi.md": "futures/test_page.py",
    "docs/futures.md": "futures/test_page.py",
    "docs/history.md": "cli/test_upkeep_pages.py",
    "docs/hooks.md": "cli/test_upkeep_pages.py",
    "docs/logs.md": "runtime/test_pages.py",
    "docs/operations.md": "test_machine_pages.py",
    "docs/schedules.md": "runtime/test_schedules_page.py",
    "docs/serve.md": "test_machine_pages.py",
    "docs/sql.md": "cli/test_sql.py",
    "docs/steps.md": "runtime/test_pages.py",
    "docs/testing.md": "testing/test_page.py",
    "docs/unique.md": "runtime/test_unique_page.py",
    "docs/upkeep.md": "cli/test_upkeep_pages.py",
    "docs/workflows.md": "test_workflows_page.py",
}
"""The tests that run what stands on a page; those of the other pages are here."""

PROSE = {"cron", "json", "mermaid", "nginx", "text", "toml", "yaml", "ini"}
"""What is not run, but read."""


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], re.DOTALL | re.MULTILINE)


def commands(page: str) -> list[list[str]]:
    """The words of each call of jobrunner in its consoles, those in a pipe too."""
    lines = "".join([*blocks(page, "console"), *blocks(page, "bash")]).splitlines()
    found: list[list[str]] = []
    while lines:
        line = lines.pop(0)
        while not (words := split(line.removeprefix("$ "))) and lines:
            line += "\n" + lines.pop(0)
        found += [part for part in parts(words) if part[:1] == ["jobrunner"]]
    return found


def split(line: str) -> list[str]:
    """The words of a line; none where a quote or the line goes on below."""
    lexer = shlex.shlex(line.removesuffix("\\"), posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    try:
        return [] if line.endswith("\\") else [*lexer, ";"]
    except ValueError:
        return []


def parts(words: list[str]) -> Iterator[list[str]]:
    """What stands between the signs of a shell, without where it reads from and writes to."""
    part: list[str] = []
    while words:
        word = words.pop(0)
        if word[0] in "<>":
            words.pop(0)
            part = part[:-1] if part[-1:] in (["1"], ["2"]) else part  # of a stream
        elif word[0] in "|&;":
            yield part
            part = []
        else:
            part.append(word)


def test_every_block_is_run_by_a_test_or_read():
    told = {
        page
        for page in PAGES
        if set(re.findall(r"^```([a-z]+)$", PAGES[page], re.MULTILINE)) - PROSE
    }
    here = {"docs/tutorial.md", "docs/tasks.md", "docs/limits.md", "docs/report.md"}
    assert told == {*RUN_BY, *here}
    for page, test in RUN_BY.items():
        assert Path(page).stem in (ROOT / "tests" / test).read_text(encoding="utf-8"), page


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_every_command_of_a_page_exists(page):
    for _, *words in commands(page):
        parse(words)


def parse(words):
    """Parse a command line without running it."""
    argv, command = arranged(words)
    found = typer.main.get_command(app)
    context = found.make_context("jobrunner", argv, obj=State(command))
    while hasattr(found, "commands"):
        name, found, rest = found.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        context = found.make_context(name, rest, parent=context)


def test_the_tutorial_works_from_top_to_bottom(tmp_path):
    (program,) = re.findall(
        r"^# studio\.py\n(.*)", blocks("docs/tutorial.md", "python")[0], re.DOTALL
    )
    (tmp_path / "studio.py").write_text(program)
    lines = "".join(blocks("docs/tutorial.md", "console")).splitlines()
    script = "\n".join(line[2:] for line in lines if line.startswith("$ "))
    quiet = re.sub(r"(work --until-empty)$", r"\1 > report.txt", script, flags=re.MULTILINE)
    promised = [line for line in lines if not line.startswith("$ ")]
    assert run(tmp_path, quiet).splitlines() == promised


def test_the_commands_of_the_page_on_reports_work(tmp_path):
    lines = "".join(blocks("docs/report.md", "console")).splitlines()
    script = "\n".join(line.removeprefix("$ ") for line in lines)
    run(tmp_path, f"jobrunner enqueue -- true\n{script}")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_the_page_on_limits_works(tmp_path):
    (program,) = blocks("docs/limits.md", "python")
    (tmp_path / "app.py").write_text(program)
    run(tmp_path, f'"{sys.executable}" app.py')


def test_the_page_on_tasks_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, *rest = blocks("docs/tasks.md", "python")
    names = {"__name__": "page"}
    exec(first, names)  # noqa: S102 — that it runs is the fact
    worker = Worker(names["queue"], concurrency=1)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        for block in rest:
            exec(block, names)  # noqa: S102
        assert names["task"].result() == 3
    finally:
        worker.stop()
        thread.join()
        names["queue"].close()
