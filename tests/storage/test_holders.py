"""The kernel tells who holds a database, and the one who stands still is named."""

import os
import signal
import subprocess
import sys

import pytest

from jobrunner.core.finding import Level
from jobrunner.storage import holders, kernel
from jobrunner.storage.engine import Database
from jobrunner.storage.holders import Holders
from jobrunner.storage.kernel import Process

HOLDER = """
import sys
from sqlalchemy import text
from jobrunner.storage.engine import Database

database = Database(sys.argv[1])
open_transaction = database.reading if sys.argv[2] == "reading" else database.writing
with open_transaction() as transaction:
    transaction.execute(text("SELECT * FROM sqlite_schema")).all()
    print("in", flush=True)
    sys.stdin.readline()
"""

LOCKS = """\
1: POSIX  ADVISORY  WRITE 71 fd:00:{inode} 120 120
1: -> POSIX  ADVISORY  WRITE 72 fd:00:{inode} 120 120
2: FLOCK  ADVISORY  WRITE 73 fd:00:1{inode} 0 EOF
3: POSIX  ADVISORY  READ 74 fd:00:{inode} 123 124
4: LEASE  ACTIVE    READ
5: OFDLCK ADVISORY  READ -1 fd:00:{inode} 0 EOF
"""


@pytest.fixture
def path(tmp_path):
    database = Database(tmp_path / "jobs.db")
    with database.writing() as transaction:
        transaction.exec_driver_sql("CREATE TABLE t (x)")
    yield database.path
    database.close()


@pytest.fixture
def hold(path):
    """Starts a process that holds a transaction open; waits until it does."""
    started = []

    def start(what):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path), what],
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


def stop(process):
    """Stop a process and wait until it is."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)


def test_nobody_holds_a_database_at_rest(path):
    found = holders.holders(path)
    assert found == Holders([], 0, [], [])
    assert holders.judge(found).says == "nobody is writing"


def test_who_writes_is_named(path, hold):
    process = hold("writing")
    found = holders.holders(path)
    assert [one.pid for one in found.turn] == [process.pid]
    assert [one.pid for one in found.write] == [process.pid]
    judged = holders.judge(found)
    assert judged.level is Level.OK
    assert f"process {process.pid}" in judged.says


def test_who_reads_is_named(path, hold):
    process = hold("reading")
    found = holders.holders(path)
    assert ([one.pid for one in found.readers], found.write) == ([process.pid], [])


def test_a_process_stopped_in_its_turn_is_a_problem(path, hold):
    process = hold("writing")
    stop(process)
    judged = holders.judge(holders.holders(path))
    assert judged.level is Level.PROBLEM
    assert "is stopped in its turn" in judged.says
    assert judged.hint.startswith(f"Continue it with `kill -CONT {process.pid}`")


def test_a_stopped_reader_stops_no_writer(path, hold):
    stop(hold("reading"))
    assert holders.judge(holders.holders(path)).level is Level.OK


def test_who_writes_out_of_turn_is_told_where_another_waits_for_it():
    shell, worker = Process(7, "sqlite3", "S"), Process(8, "python", "S")
    assert holders.judge(Holders([worker], 0, [shell], [])).level is Level.WARNING
    assert holders.judge(Holders([], 0, [shell], [])).level is Level.OK
    stopped = Holders([], 0, [shell._replace(state="T")], [])
    assert holders.judge(stopped).level is Level.PROBLEM


def test_a_system_that_tells_no_locks_is_not_judged():
    assert holders.judge(None).says.startswith("not looked at")


def test_locks_are_read_by_file_and_by_bytes(tmp_path):
    file = tmp_path / "file"
    file.touch()
    locks = list(holders.parse(LOCKS.format(inode=file.stat().st_ino)))
    assert [lock.pid for lock in holders.on(locks, file)] == [71, 72, 74, -1]
    assert [lock.pid for lock in holders.on(locks, file, holders.WRITE_LOCK)] == [71, 72, -1]
    assert [lock.waits for lock in holders.on(locks, file, holders.WRITE_LOCK)] == [0, 1, 0]
    assert holders.on(locks, tmp_path / "absent") == []


def test_a_command_may_hold_any_character(monkeypatch):
    monkeypatch.setattr(kernel, "read", lambda _name: "7 (a) T (b) S 1 7 7")
    assert kernel.process(7) == Process(7, "a) T (b", "S")
