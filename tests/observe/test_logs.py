"""Events as log lines, however many and whoever reads them."""

import json
import logging
from datetime import timedelta

import pytest

from jobrunner.core.events import LeaseLost, TasksCompleted, TaskSettled, WorkerStarted
from jobrunner.core.status import Status
from jobrunner.observe import logs


@pytest.fixture
def lines(monkeypatch, capsys):
    """Set up the log, and read what it has written."""
    monkeypatch.setattr(logs.logger, "handlers", [])
    monkeypatch.setattr(logs.logger, "level", logging.NOTSET)
    monkeypatch.setattr(logs.logger, "propagate", True)

    def read():
        for handler in logs.logger.handlers:
            handler.flush()
        return capsys.readouterr().err.splitlines()

    return read


def settled(status=Status.COMPLETED, outcome="completed", error=None):
    return TaskSettled(
        7, "resize", 2, "w1", outcome=outcome, status=status, ran=timedelta(seconds=1), error=error
    )


def test_a_line_tells_the_change_of_status(lines):
    logs.configure()
    logs.log(settled())
    (line,) = lines()
    assert line.endswith("info    task 7 resize: Completed after 1.000 s")


def test_a_failure_is_an_error_with_its_cause(lines):
    logs.configure(level=logging.ERROR)
    logs.log(settled())
    logs.log(settled(Status.FAILED, "timed_out", "ran longer than 1 s"))
    (line,) = lines()
    assert line.endswith("Failed (timed out) after 1.000 s: ran longer than 1 s")


def test_many_completions_are_one_line(lines):
    logs.configure()
    logs.log(TasksCompleted(300, 11, 400, "w1"))
    assert lines()[0].endswith("300 tasks, 11 to 400: Completed, worker w1")


def test_json_lines_hold_the_events_fields(lines):
    logs.configure(form="json")
    logs.log(settled())
    told = json.loads(lines()[0])
    assert told["event"] == "task_settled"
    assert (told["task_id"], told["status"], told["ran"]) == (7, "completed", 1.0)


def test_hostile_text_is_made_visible(lines):
    logs.configure()
    logs.log(settled(Status.FAILED, "failed", "\x1b[2J\u202eevil"))
    assert lines()[0].endswith(r"\x1b[2J\u202eevil")


def test_a_warning_is_written_at_once(monkeypatch, lines, capsys):
    logs.configure()
    logs.log(WorkerStarted("w1", "thread", 1))
    logs.log(LeaseLost(7, 1, "w1"))
    assert "changes nothing" in capsys.readouterr().err.splitlines()[1]


def test_a_log_that_nobody_reads_stops_nobody(monkeypatch, lines):
    class Gone:
        def write(self, _text):
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

    logs.configure()
    monkeypatch.setattr(logs.logger.handlers[0], "stream", Gone())
    logs.log(LeaseLost(7, 1, "w1"))
    logs.log(settled())
    logs.logger.handlers[0].flush()
