"""`jobrunner status --watch`, and `jobrunner` alone: on a terminal and in a pipe."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.runtime.support import PATIENCE


class Screen:
    """A terminal on which a command runs."""

    def __init__(self, process, descriptor):
        self.process = process
        self._descriptor = descriptor
        self.shown = ""

    def wait_for(self, pattern):
        """Read on until all that was shown since the last match has this."""
        deadline = time.monotonic() + PATIENCE
        while not (match := re.search(pattern, self.shown, re.DOTALL)):
            ready, _, _ = select.select([self._descriptor], [], [], deadline - time.monotonic())
            assert ready, self.shown
            self.shown += os.read(self._descriptor, 65536).decode()
        self.shown = self.shown[match.end() :]
        return match


@pytest.fixture
def screen(cli):
    @contextmanager
    def start(*words):
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "jobrunner", *words],
            cwd=cli.folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "80", "LINES": "24"},
        )
        os.close(slave)
        try:
            yield Screen(process, master)
        finally:
            process.kill()
            process.wait()
            os.close(master)

    return start


def test_it_looks_again_until_it_is_interrupted(cli, screen):
    cli.enqueue()
    with screen("status", "--watch", "--every", "0.05s") as shown:
        shown.wait_for(r"1 pending.*No worker is running")
        cli.enqueue()
        shown.wait_for(r"2 pending")
        shown.process.send_signal(signal.SIGINT)
        assert shown.process.wait(PATIENCE) == 130
        shown.wait_for(re.escape("\x1b[?1049l"))  # what was on the screen before is there again


def test_in_a_pipe_each_look_is_a_line_of_json(cli):
    cli.enqueue()
    process = cli.start("status", "--watch", "--every", "0.05s", "--json")
    looks = [json.loads(process.stdout.readline()) for _ in range(2)]
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert [one["tasks"]["pending"] for one in looks] == [1, 1]
    assert process.returncode == 143


def test_who_reads_no_more_ends_it(cli):
    cli.enqueue()
    process = cli.start("status", "--watch", "--every", "0.01s", "--json")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(PATIENCE) == 0
    process.stderr.close()


def test_rates_are_of_the_last_minute(cli):
    for _ in range(3):
        cli.enqueue()
    cli.drain()
    rates = cli("status", "--json").json["rates"]
    assert 60 <= rates["of_s"] < 70
    assert round(rates["completed_per_s"] * rates["of_s"]) == 3
    assert rates["failed_per_s"] == 0
    assert "0.0/s completed, 0.0/s failed, in the last minute" in cli("status").out


def test_alone_it_tells_the_status_to_who_looks(cli, screen):
    cli.enqueue()
    with screen() as shown:
        shown.wait_for("1 pending")
        assert shown.process.wait(PATIENCE) == 0


def test_alone_without_a_database_it_tells_what_it_can_do(cli, screen):
    with screen("--db", "missing.db") as shown:
        shown.wait_for("Usage: jobrunner.*enqueue")
        assert shown.process.wait(PATIENCE) == 0
    assert not (cli.folder / "missing.db").exists()


def test_alone_in_a_script_it_is_a_mistake(cli):
    cli.enqueue()
    ran = cli.process()
    assert (ran.code, ran.out) == (2, "")
    assert "Usage: jobrunner" in ran.err


def test_a_wait_for_one_task_shows_how_far_it_is(cli, screen):
    task_id = cli.enqueue("patient_steps")
    with screen("-A", "application:queue", "task", "wait", str(task_id)) as shown:
        worker = cli.start("-A", "application:queue", "work", "--until-empty")
        shown.wait_for("30 of 100")
        (cli.folder / "go").touch()
        assert shown.process.wait(PATIENCE) == 0
        worker.communicate(timeout=PATIENCE)
