"""`jobrunner report`, `status` and `worker list`: for people, pipes and programs."""

import pytest

SPREAD = {"p50", "p95", "p99", "max"}
WORKER = {
    *("id", "host", "pid", "executor", "concurrency", "status", "completed", "failed", "lost"),
    *("busy_s", "wasted_s", "alive_s", "efficiency"),
}


@pytest.fixture
def done(cli):
    """Two tasks completed, one failed, one cancelled with it, one in an hour."""
    cli.enqueue()
    cli.enqueue()
    failing = cli.enqueue("fail", max_attempts=1)
    cli.enqueue(after=[failing])
    cli.drain()
    cli("enqueue", "add", "--delay", "1h")
    return cli


def test_the_report_in_json_has_what_others_rely_on(done):
    report = done("report", "--json").json
    assert report["schema"] == 1
    assert report["tasks"] == {
        "blocked": 0,
        "scheduled": 1,
        "pending": 0,
        "in_progress": 0,
        "completed": 2,
        "failed": 1,
        "cancelled": 1,
        "total": 5,
    }
    attempts = report["attempts"]
    assert (attempts["completed"], attempts["failed"], attempts["lost"]) == (2, 1, 0)
    assert report["elapsed_s"] > 0
    assert report["throughput_per_s"] > 0
    assert set(report["wait_s"]) == set(report["run_s"]) == SPREAD
    functions = {one["name"]: one for one in report["functions"]}
    assert (functions["add"]["count"], functions["add"]["failed"]) == (2, 0)
    assert (functions["fail"]["count"], functions["fail"]["failed"]) == (1, 1)
    assert set(functions["add"]["run_s"]) == set(functions["add"]["wait_s"]) == SPREAD
    assert report["wasted_s"]["failed"] == report["wasted_s"]["total"] > 0
    assert report["busy_s"] > report["wasted_s"]["total"]
    assert 0 < report["efficiency"] < 1
    assert (report["by"], report["groups"]) == (None, [])


def test_efficiency_is_busy_seconds_over_alive_seconds_and_slots(done):
    (worker,) = done("report", "--json").json["workers"]
    assert set(worker) >= WORKER
    assert (worker["completed"], worker["failed"], worker["lost"]) == (2, 1, 0)
    expected = worker["busy_s"] / (worker["alive_s"] * worker["concurrency"])
    assert worker["efficiency"] == pytest.approx(expected)


def test_the_report_of_nothing_has_the_same_names(cli):
    cli("db", "upgrade")
    report = cli("report", "--json").json
    assert report["tasks"]["total"] == 0
    assert report["throughput_per_s"] == 0
    assert report["run_s"] == dict.fromkeys(SPREAD)
    assert (report["functions"], report["workers"]) == ([], [])
    assert "nothing has run yet" in cli("report").out


def test_the_report_for_people_tells_counts_and_efficiency(done):
    out = done("report").out
    assert "Tasks     5: 1 scheduled, 2 completed, 1 failed, 1 cancelled" in out
    assert "efficiency" in out
    assert "\x1b" not in out


def test_the_report_can_look_at_the_last_while_only(done):
    assert sum(done("report", "--since", "1h", "--json").json["attempts"].values()) == 3
    assert sum(done("report", "--since", "0s", "--json").json["attempts"].values()) == 0


@pytest.mark.parametrize("span", ["x", "-5", "", "1e9", "nan", "99999999d", "1h 5"])
def test_a_span_that_is_none_is_refused(done, span):
    ran = done("report", "--since", span)
    assert ran.code == 2
    assert "90s, 5m, 1h30m, 2d" in ran.err


def test_status_in_json_counts_and_lists_what_runs(done):
    done.enqueue()
    status = done("status", "--json").json
    assert status["schema"] == 1
    assert (status["tasks"]["pending"], status["tasks"]["total"]) == (1, 6)
    assert status["oldest_pending_s"] >= 0
    assert (status["running"], status["workers"]) == ([], [])


def test_status_for_people_names_all_statuses_and_the_next_step(done):
    ran = done("status")
    assert "0 pending" in ran.out
    assert "0 in progress" in ran.out
    assert "jobrunner work" in ran.err


def test_workers_that_have_ended_are_listed_only_on_request(done):
    assert done("worker", "list", "--json").json == []
    assert done("worker", "list").out == ""
    (worker,) = done("worker", "list", "--all", "--json").json
    assert worker["status"] == "stopped"
    assert set(worker) >= {"id", "host", "pid", "executor", "concurrency", "queues", "seen_at"}
    heading, line = done("worker", "list", "--all").out.splitlines()
    assert heading.split("\t")[:2] == ["worker", "status"]
    assert line.split("\t")[:2] == [worker["id"], "stopped"]


def test_a_sound_database_is_told_so(done):
    assert done("db", "check").out == "The database is sound.\n"
    assert done("db", "check", "--json").json == {"ok": True, "problems": []}


def test_what_is_wrong_is_told_with_exit_code_1(done):
    with done.queue.transaction() as connection:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints=ON")
        connection.exec_driver_sql("UPDATE tasks SET waiting_on = 3 WHERE id = 5")
        connection.exec_driver_sql("PRAGMA ignore_check_constraints=OFF")
    ran = done("db", "check", "--json")
    assert ran.code == 1
    assert ran.json["ok"] is False
    assert done("db", "check").code == 1


def test_the_schema_is_made_once(cli):
    assert "Upgraded from version none to " in cli("db", "upgrade").out
    assert "already" in cli("db", "upgrade").out
    told = cli("db", "upgrade", "--json").json
    assert told["before"] == told["now"]
