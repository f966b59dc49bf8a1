"""An application that is told another database works in that one, with all that it enqueues."""

import json
import subprocess
import sys

import pytest

APP = """
from jobrunner import TaskQueue

queue = TaskQueue("own.db")

@queue.task
def parent():
    leaf.enqueue()

@queue.task
def leaf():
    return "done"
"""


@pytest.mark.parametrize("how", [["--executor", "process"], ["--workers", "2"], []])
def test_what_a_task_enqueues_goes_where_the_task_came_from(tmp_path, how):
    (tmp_path / "app.py").write_text(APP)

    def jobrunner(*words):
        command = [sys.executable, "-m", "jobrunner", "-A", "app:queue", "--db", "other.db", *words]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)

    jobrunner("enqueue", "parent")
    jobrunner("work", "--until-empty", *how)
    report = json.loads(jobrunner("report", "--json").stdout)
    assert report["tasks"]["completed"] == 2
    assert not (tmp_path / "own.db").exists()
