"""`jobrunner task explain`: to people, in a pipe and in JSON."""

import re
import threading
from datetime import timedelta

from jobrunner import Worker
from tests.runtime.support import until


def test_in_a_pipe_are_lines_of_what_blocks_and_of_the_tasks_in_the_way(cli):
    cli.enqueue(description="parent")
    cli.enqueue(after=[1])
    assert cli("task", "explain", 2).out.splitlines() == [
        "task\t2",
        "status\tBlocked",
        "runnable\tno",
        "",
        "blocks\tkind\treason",
        "yes\tparents\tIt waits for 1 other task to end.",
        "yes\tworkers\tNo worker runs. Start one: jobrunner work",
        "",
        "kind\tid\tstatus\ttask",
        "parents\t1\tpending\tparent",
    ]


def test_in_json_is_what_others_rely_on(cli):
    cli.enqueue(queue="mail")
    cli("queue", "pause", "mail")
    told = cli("task", "explain", 1, "--json").json
    assert (told["task_id"], told["status"], told["is_runnable"]) == (1, "pending", False)
    assert [one["kind"] for one in told["reasons"]] == ["paused", "workers"]
    paused = told["reasons"][0]
    assert paused.keys() == {"kind", "text", "hint", "is_blocking", "at", "tasks"}
    assert paused["hint"] == "Resume it: jobrunner queue resume mail"
    assert told["starts"]["basis"] == "it waits for a paused queue, or an event"


def test_it_is_told_when_a_task_that_waits_will_start(cli):
    cli.enqueue(delay=timedelta(seconds=100))
    worker = Worker(cli.queue)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        until(cli.queue, cli.queue.workers)
        told = cli("task", "explain", 1).out.splitlines()
    finally:
        worker.stop()
        thread.join()
    assert re.fullmatch(r"starts in\tabout 1m \d\ds, nothing comes before it", told[3])


def test_a_function_that_the_application_does_not_have_is_told_if_there_is_one(cli):
    cli.enqueue("nothing")
    assert "no function" not in cli("task", "explain", 1).out
    told = cli("-A", "application:queue", "task", "explain", 1).out
    assert "no\tfunction\tThe application has no function 'nothing'" in told


def test_what_has_ended_tells_how_and_the_next_step(cli):
    cli.enqueue("fail", max_attempts=1)
    cli.drain()
    told = cli("task", "explain", 1).out
    assert "yes\tended\tIt failed at " in told
    assert "ValueError: out of luck. Run it again: jobrunner task retry 1" in told
