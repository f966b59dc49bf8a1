"""`jobrunner queue …`, `key …`, and the limits of `enqueue` and `work`."""

import pytest


def test_a_queue_is_paused_and_resumed(cli):
    cli.enqueue(queue="images")
    assert cli("queue", "pause", "images").out == "queue images: paused\n"
    assert cli("queue", "pause", "images", "--json").json == {"images": "was paused already"}
    (shown,) = cli("queue", "list", "--json").json
    assert (shown["name"], shown["tasks"]["pending"]) == ("images", 1)
    assert shown["paused_at"].endswith("Z")
    cli.drain()
    assert cli.queue.get(1).status == "pending"
    assert cli("queue", "resume", "images").out == "queue images: resumed\n"
    cli.drain()
    assert cli.queue.get(1).status == "completed"


def test_a_drained_queue_is_paused_and_runs_nothing(cli):
    cli.enqueue()
    assert cli("queue", "drain", "default", "--timeout", "5").out == "queue default: drained\n"
    (shown,) = cli.queue.queues.list()
    assert shown.paused_at


def test_limits_are_set_in_part_and_lifted(cli):
    assert cli("queue", "limit", "a", "--concurrency", 4).out == "queue a: 4 at a time\n"
    told = cli("queue", "limit", "a", "--rate", "10/1m", "--json").json
    assert told == {"name": "a", "concurrency": 4, "rate": 10, "period": 60.0}
    told = cli("queue", "limit", "a", "--no-concurrency", "--no-rate").out
    assert told == "queue a: no limit\n"
    told = cli("key", "limit", "tenant", "--rate", "5/s").out
    assert told == "key tenant: 1 at a time, 5/1s\n"
    (key,) = cli("key", "list", "--json").json
    assert key == {
        "name": "tenant",
        "is_rule": True,
        "concurrency": 1,
        "rate": 5,
        "period": 1.0,
        "running": 0,
        "waiting": 0,
    }


def test_lists_in_a_pipe_are_tab_separated(cli):
    cli.enqueue(concurrency_key="k")
    cli("queue", "limit", "default", "--concurrency", 2)
    heading, line = cli("queue", "list").out.splitlines()
    assert heading.split("\t")[0] == "queue"
    assert line == "default\t0\t0\t1\t0\t0\t0\t0\t2 at a time\t"
    assert cli("key", "list").out == "key\trunning\twaiting\tlimits\nk\t0\t1\t1 at a time\n"


def test_enqueue_takes_a_key_and_needs(cli):
    cli("enqueue", "add", "a:=1", "--key", "tenant:1", "--needs", "gpu=1,memory=4.5")
    task = cli.queue.get(1)
    assert (task.concurrency_key, task.needs) == ("tenant:1", {"gpu": 1, "memory": 4.5})
    line = '{"function": "add", "args": [1], "concurrency_key": "b", "needs": {"gpu": 2}}'
    (cli.folder / "tasks.jsonl").write_text(line)
    cli("enqueue", "--from", "tasks.jsonl")
    task = cli.queue.get(2)
    assert (task.concurrency_key, task.needs) == ("b", {"gpu": 2})


def test_a_worker_offers_what_tasks_need(cli):
    cli.enqueue(command=["true"], needs={"gpu": 1})
    cli("work", "--until-empty")
    assert cli.queue.get(1).status == "pending"
    cli("work", "--until-empty", "--offers", "gpu=1")
    assert cli.queue.get(1).status == "completed", cli.queue.get(1).error
    offers = [one["offers"] for one in cli("worker", "list", "--all", "--json").json]
    assert offers == [{}, {"gpu": 1}]


@pytest.mark.parametrize(
    "words",
    [
        ("queue", "limit", "a"),
        ("queue", "limit", "a", "--concurrency", "0"),
        ("queue", "limit", "a", "--concurrency", "99999999999999999999"),
        ("queue", "limit", "a", "--concurrency", "1", "--no-concurrency"),
        ("queue", "limit", "a", "--rate", "10"),
        ("queue", "limit", "a", "--rate", "0/1m"),
        ("queue", "limit", "a", "--rate", "1/0s"),
        ("queue", "limit", "a", "--rate", "999999999/1d"),
        ("queue", "limit", "a", "--rate", "1/1x"),
        ("queue", "pause", ""),
        ("queue", "pause", "a" * 501),
        ("key", "limit", "", "--concurrency", "1"),
        ("enqueue", "add", "--needs", "gpu"),
        ("enqueue", "add", "--needs", "gpu=0"),
        ("enqueue", "add", "--needs", "gpu=1,gpu=2"),
        ("enqueue", "add", "--key", ""),
        ("work", "--until-empty", "--offers", "gpu=-1"),
    ],
)
def test_what_has_no_meaning_is_refused(cli, words):
    ran = cli(*words)
    assert ran.code == 2, ran
    assert cli.queue.queues.list() == []
