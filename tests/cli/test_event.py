"""`jobrunner event`: what tasks wait for is sent and seen."""

import pytest

from jobrunner import Worker, context


@pytest.fixture
def waiting(cli):
    """A task that waits for `approved`."""

    @cli.queue.task
    def approve():
        return context.wait_for("approved", timeout=3600)

    task = approve.enqueue()
    Worker(cli.queue, concurrency=1).run(max_tasks=1)
    return task.id


def test_an_event_is_sent_and_seen(cli, waiting):
    listed = cli("event", "list", "--waiting", "--json").json
    assert [(one["name"], one["task_id"]) for one in listed] == [("approved", waiting)]
    assert listed[0]["since"] < listed[0]["until"]
    sent = cli("event", "send", "approved", "--data", '{"by": "Ada"}')
    assert sent.out == "event approved: sent, 1 waiting\n"
    Worker(cli.queue, concurrency=1).run(until_empty=True)
    shown = cli("task", "show", waiting, "--json").json
    assert shown["result"] == {"by": "Ada"}
    assert [one["outcome"] for one in shown["attempts"]] == ["waiting", "completed"]
    (one,) = cli("event", "list", "--json").json
    assert (one["name"], one["task_id"], one["data"]) == ("approved", None, {"by": "Ada"})


def test_in_a_pipe_they_are_lines(cli, waiting):
    told = cli("event", "send", "approved", "--task", waiting, "--json").json
    assert told == {"name": "approved", "task_id": waiting, "woken": 1}
    lines = cli("event", "list").out.splitlines()
    assert lines[0] == "event\ttask\tdata\tsent at"
    assert lines[1].startswith(f"approved\t{waiting}\t\t2")
    assert cli("event", "list", "--waiting").out.startswith("event\ttask\tsince\tuntil")


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["", "--task", 1], 2, "event must have from 1 to 500 characters"),
        (["a", "--task", 99], 3, "there is no task 99"),
        (["a", "--task", 2**70], 2, "task must be from 1"),
        (["a", "--data", "{"], 2, "--data { is not JSON"),
        (["a", "--data", "NaN"], 2, "data is not JSON"),
    ],
)
def test_what_cannot_be_sent_is_told(cli, waiting, words, code, error):
    ran = cli("event", "send", *words)
    assert (ran.code, error in ran.err) == (code, True), ran


def test_an_event_makes_no_database_by_a_typing_error(cli):
    assert cli("--db", "other.db", "event", "send", "a").code == 4
    assert not (cli.folder / "other.db").exists()
