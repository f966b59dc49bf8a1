"""`jobrunner task log`: of what has ended, of what runs, and followed until it ends."""

import json
import signal
import threading

import pytest

from jobrunner import Retry, Worker, context
from jobrunner.runtime import outputs
from tests.runtime.support import PATIENCE, until


@pytest.fixture
def start(cli, monkeypatch):
    """Start a task whose first attempt fails and whose second goes on when it is told to.

    From the test itself: for that pytest puts another stdout in the place of the fixtures'.
    """
    monkeypatch.setattr(outputs, "LOOK_EVERY", 0.02)
    go_on, begun = threading.Event(), []

    @cli.queue.task(max_attempts=2)
    def work():
        print("one", end="")  # noqa: T201 — what it is for
        if context.attempt == 1:
            raise Retry("not yet", after=0)
        go_on.wait(PATIENCE)
        print(" two")  # noqa: T201 — as above

    def start():
        task = work.enqueue()
        worker = Worker(cli.queue, concurrency=1, capture=True)
        begun.extend((worker, threading.Thread(target=worker.run)))
        begun[1].start()
        until(cli.queue, lambda: _is_seen(cli.queue.written(task.id)))
        return go_on

    yield start
    go_on.set()
    if begun:
        begun[0].stop()
        begun[1].join(PATIENCE)


def _is_seen(written):
    return written.number == 2 and written.stdout.text == "one"


def test_log_of_a_running_task_shows_what_it_has_written_so_far(cli, start):
    start()
    ran = cli("task", "log", 1)
    assert (ran.code, ran.out, ran.err) == (0, "one\n", "")
    assert cli("task", "log", 1, "--attempt", 1).out == "one\n"
    assert cli("task", "log", 1, "--attempt", 2).out == "one\n"
    first, second = cli("task", "log", 1, "--json").json
    assert set(first) == set(second)
    assert (first["outcome"], second["outcome"], second["ended_at"]) == ("failed", None, None)
    assert (second["number"], second["stdout"]) == (2, "one")


def test_log_follows_until_the_end(cli, start):
    go_on = start()
    following = cli.start("task", "log", 1, "-f")
    assert following.stdout.read(3) == "one"
    assert following.poll() is None
    go_on.set()
    assert following.communicate(timeout=PATIENCE) == (" two\n", "")
    assert following.returncode == 0


def test_a_signal_ends_what_follows(cli, start):
    start()
    following = cli.start("task", "log", 1, "--follow")
    assert following.stdout.read(3) == "one"
    following.send_signal(signal.SIGINT)
    assert following.communicate(timeout=PATIENCE) == ("", "")
    assert following.returncode == 130


def test_what_is_followed_is_a_json_line_a_piece(cli):
    cli.enqueue(command=["sh", "-c", "printf one; echo oh >&2; exit 1"], max_attempts=1)
    cli.drain()
    told = [json.loads(line) for line in cli("task", "log", 1, "-f", "--json").out.splitlines()]
    assert told == [
        {"run": 0, "number": 1, "stream": "stdout", "text": "one", "offset": 3},
        {"run": 0, "number": 1, "stream": "stderr", "text": "oh\n", "offset": 3},
    ]


def test_several_attempts_are_followed_one_after_the_other(cli):
    cli.enqueue("fail", max_attempts=1)
    cli.drain()
    cli("task", "retry", 1)
    cli.drain()
    ran = cli("task", "log", 1, "-f", "--attempt", 1)
    assert ran.err.count("ValueError: out of luck") == 1
    assert "---" not in ran.err
    followed = [piece.number for piece in cli.queue.follow(1, run=0)]
    assert followed == [1, 2]


def test_an_attempt_that_has_not_begun_is_not_followed(cli):
    cli.enqueue()
    ran = cli("task", "log", 1, "-f", "--attempt", 1, "--json")
    assert ran.code == 3
    assert ran.error["message"] == "task 1 has no attempt 1 that has begun"


def test_what_is_followed_reaches_a_terminal_as_no_more_than_text(cli):
    cli.enqueue(command=["printf", r"\033[31mred\n"])
    cli.drain()
    assert "\x1b" not in cli("task", "log", 1, "-f").out


def test_work_captures_unless_told_otherwise(cli):
    with (cli.folder / "application.py").open("a") as program:
        program.write('\n@queue.task\ndef say():\n    print("said")\n')
    cli.enqueue("say")
    cli.enqueue("say")
    for option in ("--capture", "--no-capture"):
        ran = cli("-A", "application:queue", "work", "--max-tasks", 1, option)
        assert ran.out.startswith("said\n")
    assert [cli("task", "log", task_id).out for task_id in (1, 2)] == ["said\n", ""]
