"""`jobrunner doctor`: well on a sound installation, right on each broken one, and no trace left."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from jobrunner.storage import sqlite
from tests.runtime.support import until

HOLDER = """
import sys
from jobrunner import TaskQueue

with TaskQueue("jobs.db").transaction():
    print("in", flush=True)
    sys.stdin.readline()
"""

LOCKER = """
import sys
from jobrunner.storage.sqlite import choose_driver

connection = choose_driver().connect("jobs.db", isolation_level=None)
connection.execute("PRAGMA journal_mode=DELETE").fetchall()
connection.execute("BEGIN EXCLUSIVE")
connection.execute("CREATE TABLE foreigner (x)")
print("in", flush=True)
sys.stdin.readline()
"""

ELSEWHERE = {"file system", "disk"}
"""What depends on the machine that runs the tests."""


def told(ran):
    """The findings by name; the worst of those with one name."""
    assert ran.err == ""
    order = ["problem", "warning", "ok"]
    found = sorted(ran.json, key=lambda one: order.index(one["level"]), reverse=True)
    return {one["name"]: one for one in found}


def problems(ran):
    found = told(ran)
    names = [name for name, one in found.items() if one["level"] == "problem"]
    assert ran.code == (1 if names else 0)
    assert all(found[name]["hint"] for name in names)
    return names


def files(cli):
    return {
        file.name: (file.stat().st_mtime_ns, file.stat().st_size)
        for file in cli.folder.iterdir()
        if not file.name.startswith("__")
    }


@pytest.fixture
def python(cli):
    """Starts a program that says when it is in; ends it."""
    started = []

    def start(program):
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=cli.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "in\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_all_is_well_with_a_database_whose_work_is_done(cli):
    cli.enqueue()
    cli.drain()
    cli.queue.close()
    before = files(cli)
    ran = cli.process("-A", "application:queue", "doctor", "--json")
    assert files(cli) == before
    assert ran.code == 0
    assert {n: one for n, one in told(ran).items() if one["level"] != "ok"}.keys() <= ELSEWHERE
    assert " ".join(sorted(told(ran).keys() - ELSEWHERE)) == (
        "application clock database functions integrity libraries locks permissions queues schema"
        " settings sqlite versions wal workers"
    )


def test_no_database_is_made(cli):
    ran = cli("doctor", "--json")
    assert problems(ran) == ["database"]
    assert list(files(cli)) == ["application.py"]


def test_a_missing_folder_is_told(cli):
    assert problems(cli("--db", "absent/jobs.db", "doctor", "--json")) == [
        "file system",
        "database",
    ]
    assert list(files(cli)) == ["application.py"]


def test_an_empty_file_stays_empty(cli):
    (cli.folder / "jobs.db").touch(0o600)
    assert problems(cli("doctor", "--json")) == []
    assert files(cli)["jobs.db"][1] == 0


def test_what_is_no_database_is_told(cli):
    (cli.folder / "jobs.db").write_text("a diary, not a database\n" * 100)
    ran = cli("doctor", "--json")
    assert problems(ran) == ["database"]
    assert "is not an SQLite database" in told(ran)["database"]["says"]


def test_the_database_of_another_program_is_told(cli):
    with sqlite3.connect(cli.folder / "jobs.db") as connection:
        connection.execute("CREATE TABLE tasks (id)")
    connection.close()
    assert problems(cli("doctor", "--json")) == ["schema"]


def test_the_database_of_a_newer_version_is_told(cli):
    cli.enqueue()
    with cli.queue.transaction() as connection:
        connection.exec_driver_sql("UPDATE jobrunner_version SET version_num = '9999'")
        connection.exec_driver_sql("ALTER TABLE workers RENAME TO people")
    ran = cli("doctor", "--json")
    assert problems(ran) == ["schema"]
    assert told(ran)["schema"]["hint"] == "Upgrade jobrunner."


def test_a_damaged_page_is_told_and_the_rest_still_looked_at(cli):
    for _ in range(50):
        cli.enqueue(description="much" * 200)
    cli.queue.close()
    path = cli.folder / "jobs.db"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 4096 * 4)
        file.write(os.urandom(4096 * 4))
    ran = cli("doctor", "--json")
    assert "integrity" in problems(ran)
    assert "`jobrunner db restore FILE`" in told(ran)["integrity"]["hint"]
    assert told(ran)["schema"]["level"] == "ok"


def test_values_that_cannot_be_read_are_told(cli):
    cli.enqueue()
    with cli.queue.transaction() as connection:
        connection.exec_driver_sql("UPDATE tasks SET created_at = 9000000000000000000")
    assert problems(cli("doctor", "--json")) == ["tasks"]


def test_a_process_stopped_in_its_turn_is_named(cli, python):
    cli.enqueue()
    process = python(HOLDER)
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    ran = cli("doctor", "--json")
    assert problems(ran) == ["locks"]
    assert told(ran)["locks"]["hint"].startswith(f"Continue it with `kill -CONT {process.pid}`")


def test_a_lock_of_another_program_is_waited_for_two_seconds(cli, python, monkeypatch):
    cli.enqueue()
    cli.queue.close()
    process = python(LOCKER)
    # Who works waits longer; far longer here, so that on no machine the two are mistaken.
    monkeypatch.setattr(sqlite, "PRAGMAS", ("PRAGMA busy_timeout=60000", *sqlite.PRAGMAS[1:]))
    started = time.monotonic()
    ran = cli("doctor", "--json")
    assert time.monotonic() - started < 30
    assert problems(ran) == ["database"]
    assert "is locked by another program" in told(ran)["database"]["says"]
    assert f"process {process.pid}" in told(ran)["locks"]["says"]


def test_a_killed_worker_and_what_it_left_are_told(cli):
    cli.enqueue("patient")
    worker = cli.start("-A", "application:queue", "work", start_new_session=True)
    (worker_id,) = wait_for_worker(cli)
    worker.kill()
    worker.communicate()
    ran = cli("doctor", "--json")
    assert problems(ran) == ["workers"]
    assert told(ran)["workers"]["says"] == (
        f"1 task in progress at a worker that is gone: {worker_id}"
    )


def wait_for_worker(cli):
    """The worker of the first task, once it runs."""
    return until(
        cli.queue, lambda: [task.worker_id for task in cli.queue.find(status="in_progress")]
    )


def test_a_function_that_nobody_registers_is_told(cli):
    cli.enqueue("resize")
    ran = cli("-A", "application:queue", "doctor", "--json")
    assert problems(ran) == ["functions"]
    assert "'resize'" in told(ran)["functions"]["says"]
    assert problems(cli("doctor", "--json")) == []


def test_an_application_that_cannot_be_imported_is_told_with_the_rest(cli):
    cli.enqueue()
    ran = cli("-A", "absent:queue", "doctor", "--json")
    assert problems(ran) == ["application"]
    assert told(ran)["schema"]["level"] == "ok"


def test_a_clock_that_went_back_is_told(cli):
    cli.enqueue()
    with cli.queue.transaction() as connection:
        connection.exec_driver_sql("UPDATE tasks SET created_at = created_at + 7200000000")
    assert problems(cli("doctor", "--json")) == ["clock"]


def test_another_library_in_the_application_is_told(cli):
    (cli.folder / "shop.py").write_text("import sqlite3\nfrom application import queue\n")
    ran = cli.process("-A", "shop:queue", "doctor", "--json")
    assert "shop uses Python's own sqlite3" in told(ran)["libraries"]["says"]


def test_in_a_pipe_there_is_a_line_for_each_finding(cli):
    cli.enqueue(queue="\x1b[31mred")
    ran = cli("doctor")
    assert "\x1b" not in ran.out
    heading, *lines = ran.out.splitlines()
    assert heading == "level\tname\tsays\thint"
    assert {line.partition("\t")[0] for line in lines} <= {"ok", "warning"}
    assert all(line.count("\t") == 3 for line in lines)
