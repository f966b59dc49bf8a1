"""`worker pause|resume|drain|stop|resize`: whom a name means, what is shown, exit codes."""

import pytest

from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.storage import claim, workers


@pytest.fixture
def join(cli):
    """Store a worker that lives elsewhere."""

    def store(worker_id, crew):
        now = cli.queue.clock.now()
        info = WorkerInfo(
            id=worker_id,
            host="elsewhere",
            boot_id="another boot",
            pid=1,
            executor="thread",
            concurrency=2,
            queues=(),
            status=WorkerStatus.RUNNING,
            beat=0,
            started_at=now,
            seen_at=now,
            stopped_at=None,
            error=None,
            crew=crew,
        )
        with cli.queue.database.writing() as transaction:
            workers.register(transaction, info)

    return store


@pytest.fixture
def crew(join):
    join("abc1", "night")
    join("abd2", "night")
    join("eee3", "day")


def state(cli):
    return {one.id: (one.paused_at is not None, one.wanted) for one in cli.queue.workers()}


def test_a_beginning_of_an_id_means_one_worker(cli, crew):
    ran = cli("worker", "pause", "abc")
    assert (ran.code, ran.out) == (0, "worker abc1: paused\n")
    assert state(cli) == {"abc1": (True, None), "abd2": (False, None), "eee3": (False, None)}
    told = cli("worker", "resume", "abc", "--json").json
    assert (told["crews"], told["workers"][0]["id"]) == ([], "abc1")
    assert told["workers"][0]["paused_at"] is None


def test_the_name_of_a_crew_means_all_of_it_and_lasts(cli, crew, join):
    ran = cli("worker", "resize", "night", 5)
    said = ["crew night: 5 at a time", "worker abc1: 5 at a time", "worker abd2: 5 at a time"]
    assert ran.out.splitlines() == said
    assert cli("worker", "crews").out.splitlines()[1] == "night\t5\t"
    assert cli("worker", "crews", "--json").json == [
        {"name": "night", "paused_at": None, "concurrency": 5}
    ]
    cli("worker", "resize", "night")
    assert cli("worker", "crews", "--json").json == []
    assert state(cli)["abc1"] == (False, None)


def test_all_means_every_worker_and_crew(cli, crew):
    assert cli("worker", "resize", "--all", 3).code == 0
    assert cli("worker", "pause", "--all").code == 0
    assert set(state(cli).values()) == {(True, 3)}
    assert cli("worker", "resume", "--all").code == 0
    assert set(state(cli).values()) == {(False, 3)}


def test_a_crew_that_is_to_come_must_be_called_one(cli, crew):
    ran = cli("worker", "pause", "morning")
    assert (ran.code, "--crew" in ran.err) == (3, True)
    ran = cli("worker", "pause", "morning", "--crew")
    assert (ran.code, ran.out) == (0, "crew morning: paused\n")
    assert "No worker" in ran.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("pause",), "to whom"),
        (("pause", "abc1", "--all"), "to whom"),
        (("pause", "ab"), "beginning of 2 ids"),
        (("pause", "x" * 201, "--crew"), "200 characters"),
        (("resize", "abc1", "0"), "from 1 to 10000"),
        (("resize", "abc1", "many"), "no number"),
        (("drain", "abc1", "--timeout", "soon"), "no length of time"),
    ],
)
def test_what_makes_no_sense_is_refused(cli, crew, words, problem):
    ran = cli("worker", *words)
    assert ran.code == 2
    assert problem in ran.err
    assert set(state(cli).values()) == {(False, None)}


def test_a_stop_is_noted_once(cli, crew):
    assert cli("worker", "stop", "night").code == 0
    first = [one.stop_requested_at for one in cli.queue.workers()]
    assert [moment is not None for moment in first] == [True, True, False]
    cli("worker", "stop", "--all")
    assert [one.stop_requested_at for one in cli.queue.workers()][:2] == first[:2]


def test_a_drain_ends_with_7_when_it_takes_too_long_and_the_list_shows_it(cli, crew):
    cli.enqueue()
    with cli.queue.database.writing() as transaction:
        found = claim.claim(
            transaction, worker_id="abc1", token=1, limit=1, now=cli.queue.clock.now()
        )
    assert len(found) == 1
    ran = cli("worker", "drain", "night", "--timeout", "10ms")
    assert (ran.code, "task 1" in ran.err, "stay paused" in ran.err) == (7, True, True)
    shown = [line.split("\t") for line in cli("worker", "list").out.splitlines()]
    assert [(row[0], row[1], row[2]) for row in shown] == [
        ("worker", "status", "crew"),
        ("abc1", "draining", "night"),
        ("abd2", "paused", "night"),
        ("eee3", "running", "day"),
    ]
    assert "draining" in cli("status").out
    assert cli("worker", "drain", "day").out == "crew day: drained\nworker eee3: drained\n"


def test_the_list_shows_the_size_now_and_the_one_that_is_wanted(cli, crew):
    cli("worker", "resize", "abc1", 9)
    assert "2, wanted 9" in cli("worker", "list").out
    assert cli("worker", "list", "--json").json[0]["wanted"] == 9
