"""`jobrunner crashtest`: the example of the page on testing, and how a test ends."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from jobrunner import Status, TaskQueue

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "testing.md").read_text()
CHECK = f"{shlex.quote(sys.executable)} booked_once.py"

MORTAL = """
import os, signal
from pathlib import Path

def die_once(name):
    died = Path(f"{name}.died")
    if name in {"a0", "b0", "0.txt"} and not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)
"""
"""Whatever chance does, some die at the worst moment."""

DEADLY = """
import shop
from jobrunner import TaskQueue
from mortal import die_once

queue = TaskQueue("production.db")

@queue.task
def book(order):
    shop.book(order)
    die_once(order)

@queue.task
def book_in_list(order):
    shop.book_in_list(order)
    die_once(order)
"""

OTHERS = """
import os, time
from pathlib import Path
from jobrunner import TaskQueue
from mortal import die_once

queue = TaskQueue("production.db")

@queue.task(max_attempts=1)
def only_once(name):
    Path(name).touch(exist_ok=False)
    die_once(name)
    time.sleep(0.01)

@queue.task
def for_ever():
    time.sleep(600)
"""


@pytest.fixture
def shop(cli):
    """The page's application and check, and its tasks: `book` and `book_in_list` in turn."""
    for name, text in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL):
        (cli.folder / name).write_text(text)
    (cli.folder / "others.py").write_text(OTHERS)
    (cli.folder / "deadly.py").write_text(DEADLY)
    (cli.folder / "mortal.py").write_text(MORTAL)
    (cli.folder / "list").touch()
    return cli


def orders(count):
    """Both kinds in turn, as on the page."""
    kinds = (("book", "a"), ("book_in_list", "b"))
    return [
        {"function": function, "args": [f"{letter}{number}"]}
        for number in range(count)
        for function, letter in kinds
    ]


def crash(cli, *words, app="shop"):
    return cli.process("crashtest", "-A", app, "--from", "tasks.jsonl", *words)


def test_what_is_not_idempotent_is_found_by_the_check(shop):
    shop.lines(*orders(16))
    ran = crash(shop, "--kills", 5, "--check", CHECK, "--json", app="deadly")
    found = ran.json
    assert ran.code == 1, ran.err
    assert found["tasks"] == {"completed": 32}
    assert (found["lost"], found["completed_twice"]) == (0, 0)
    assert sum(found["kills"].values()) > 0
    complaints = {task["name"]: task["complaint"] for task in found["reruns"] if task["complaint"]}
    assert set(complaints) == {"book_in_list"}
    assert re.fullmatch(r"b\d+ is booked \d+ times", complaints["book_in_list"])
    assert "book" in {task["name"] for task in found["reruns"]}
    assert found["checked"] == len(found["reruns"])
    assert all("not idempotent" in problem for problem in found["problems"])
    assert not (shop.folder / "production.db").exists()
    assert not (shop.folder / "jobs.db").exists()  # what JOBRUNNER_DB says
    kept = re.search(r"--db (\S+) task list", ran.err).group(1)
    assert TaskQueue(kept).counts()[Status.COMPLETED] == 32


def test_what_is_idempotent_passes_and_leaves_nothing_behind(shop, monkeypatch):
    shop.lines(*orders(40)[::2])
    monkeypatch.setenv("TMPDIR", str(shop.folder))
    ran = crash(shop, "--kills", 3, "--check", CHECK, app="deadly")
    assert ran.code == 0, ran.err
    assert re.search(r"^Tasks     40: 40 completed$", ran.out, re.MULTILINE)
    assert re.search(r"^Checked   \d+; 0 not idempotent$", ran.out, re.MULTILINE)
    assert max(map(len, ran.out.splitlines())) <= 80
    assert list(shop.folder.glob("jobrunner-crashtest-*")) == []


def test_a_task_that_fails_because_it_ran_before_is_told(shop):
    tasks = [{"function": "only_once", "args": [f"{number}.txt"]} for number in range(12)]
    shop.lines(*tasks)
    ran = crash(shop, "--kills", 3, "--json", app="others")
    assert ran.code == 1
    assert ran.json["tasks"]["failed"] == len(ran.json["problems"]) > 0
    assert "(only_once) failed after a kill: FileExistsError" in ran.json["problems"][0]


def test_a_task_that_does_not_end_in_time_is_told(shop):
    shop.lines({"function": "for_ever"})
    ran = crash(shop, "--kills", 1, "--timeout", "2s", "--keep", "here", app="others")
    assert ran.code == 1
    assert "WRONG: task 1 (for_ever) has not ended" in ran.err
    assert (shop.folder / "here" / "crashtest.db").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--check", "no-such-program"], "names no program"),
        (["--check", "'"], "cannot be read"),
        (["--keep", "full"], "is not empty"),
        (["--from", "nowhere"], "cannot read nowhere"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_runs(shop, words, problem):
    shop.lines({"function": "book", "args": ["a"]})
    (shop.folder / "full").mkdir()
    (shop.folder / "full" / "file").touch()
    ran = shop("crashtest", "-A", "shop", "--from", "tasks.jsonl", *words)
    sys.modules.pop("shop", None)
    assert (ran.code, ran.out) == (2, "")
    assert problem in ran.err
    assert not (shop.folder / "a.booked").exists()


def test_a_wrong_line_is_named_and_no_folder_stays(shop, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(shop.folder))
    shop.lines({"function": "book"}, {"function": "nothing"})
    ran = crash(shop)
    assert (ran.code, ran.out) == (2, "")
    assert "line 2: no function named 'nothing'" in ran.err
    assert list(shop.folder.glob("jobrunner-crashtest-*")) == []


def test_what_crashtest_prints_is_json(shop):
    shop.lines({"command": ["true"]})
    ran = shop.process("crashtest", "--from", "tasks.jsonl", "--kills", 1, "--json")
    assert set(json.loads(ran.out)) >= {"seed", "kills", "tasks", "reruns", "problems"}


def test_what_would_prove_nothing_is_refused(shop):
    shop.lines()
    ran = crash(shop)
    assert (ran.code, ran.out) == (2, "")
    assert "there is no task" in ran.err
    shop.lines(*orders(1))
    assert "longer than nothing" in crash(shop, "--timeout", "0").err
    ran = shop.process("crashtest", "--from", "tasks.jsonl")
    assert (ran.code, ran.out) == (2, "")
    assert "-A module:attribute" in ran.err
