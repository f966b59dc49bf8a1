"""`jobrunner simulate`, and the time left in `status` and `task show`."""

import pytest

from jobrunner import Worker

ESTIMATE = {"low_s", "likely_s", "high_s", "runs", "basis"}
FORECAST = {
    *("workers", "tasks", "held", "others", "left", "busy_s", "busy_share", "path_s", "path"),
    *("unknown", "is_cut"),
}


@pytest.fixture
def known(cli):
    """Five runs of `add` are recorded, and three tasks of a chain are open."""
    for _ in range(5):
        cli.enqueue()
    cli.drain()
    first = cli.enqueue()
    cli.last = cli.enqueue(after=[cli.enqueue(after=[first])])
    return cli


def test_several_numbers_of_workers_stand_in_one_table(known):
    ran = known("simulate", "--workers", "1,2,400")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == "Open   3 tasks"
    assert lines[2].endswith("the longest chain: 3 tasks one after the other")
    assert lines[3] == "Basis  from 5 runs of add"
    table = [line.split("\t") for line in lines[5:]]
    assert table[0] == ["workers", "ends in", "from", "to", "busy"]
    assert [row[0] for row in table[1:]] == ["1", "2", "400"]
    assert all(row[1].endswith(" s") for row in table[1:])


def test_a_forecast_in_json_has_what_others_rely_on(known):
    other = known.enqueue()
    (found,) = known("simulate", "--workers", 3, "--task", known.last, "--json").json
    assert set(found) == FORECAST
    assert set(found["left"]) == ESTIMATE
    assert (found["workers"], found["tasks"], found["others"]) == (3, 3, 1)
    assert found["left"]["runs"] == 5
    assert known("simulate", "--workers", 3, "--json").json[0]["tasks"] == 4
    assert known("simulate", "--task", other, "--json").json[0]["tasks"] == 1


def test_without_workers_some_numbers_are_compared(known):
    assert [one["workers"] for one in known("simulate", "--json").json] == [1, 2, 4, 8]


def test_too_few_runs_are_told_and_not_guessed_from(known):
    known.enqueue("thumbnail", args=["a.png"])
    ran = known("simulate", "--workers", "2")
    assert ran.code == 0
    assert "Basis  no runs of thumbnail are recorded, it takes 5" in ran.out
    assert ran.out.splitlines()[-1] == "2\tunknown\tunknown\tunknown\t-"


def test_nothing_open_is_no_error(cli):
    cli("db", "upgrade")
    ran = cli("simulate", "--workers", "2")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "Open   0 tasks")
    assert "Basis  nothing is open" in ran.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--workers", "x"], 2, "'x' is no number of workers"),
        (["--workers", "1,"], 2, "'1,' is no number of workers"),
        (["--workers", "0"], 2, "workers must be from 1 to 100000, not 0"),
        (["--workers", ",".join("1" * 21)], 2, "21 numbers are more than 20"),
        (["--task", "1", "--batch", "1"], 2, "name one of them"),
        (["--task", "99"], 3, "there is no task 99"),
        (["--batch", "99"], 3, "there is no batch 99"),
    ],
)
def test_a_wrong_question_is_told_in_a_sentence(known, words, code, said):
    ran = known("simulate", *words)
    assert ran.code == code
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_the_page_of_a_task_tells_how_long_it_will_run(known):
    out = known("task", "show", known.last).out
    assert "will run\tabout 0.0" in out
    assert "from 5 runs of add" in out
    assert set(known("task", "show", known.last, "--json").json["left"]) == ESTIMATE
    assert known("task", "show", 1, "--json").json["left"] is None
    fresh = known.enqueue("thumbnail", args=["a.png"])
    assert "unknown: no runs of thumbnail are recorded" in known("task", "show", fresh).out


def test_the_status_tells_what_is_left_of_what_runs(cli):
    seen = []
    cli.queue.task(name="look")(lambda: seen.extend([cli("status", "--json"), cli("status")]))
    cli.enqueue("look")
    Worker(cli.queue, concurrency=1).run(until_empty=True)
    in_json, in_lines = seen
    (running,) = in_json.json["running"]
    assert running["left"]["likely_s"] is None
    assert running["left"]["basis"] == "no runs of look are recorded, it takes 5"
    assert "\tfor\tleft\tworker\n" in in_lines.out
    assert "\tunknown\t" in in_lines.out
