"""Several processes at one database: all get their turn, one migrates, forks part ways."""

import os
import signal
import threading
from statistics import median

from sqlalchemy import text

from jobrunner.storage import migrate
from jobrunner.storage.engine import Database
from tests.databases import on_a_file
from tests.storage.later import OPENER

WRITER = """
import sys, time
from jobrunner.storage.engine import Database
from sqlalchemy import text

database, me = Database(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
for line in sys.stdin:
    while True:
        with database.writing() as transaction:
            if transaction.scalar(text("SELECT sum(beat) FROM workers")) >= int(line):
                break
            more = text("UPDATE workers SET beat = beat + 1 WHERE id = :me")
            transaction.execute(more, {"me": me})
            time.sleep(0.002)  # the work of a transaction: long enough for others to queue up
        time.sleep(0.0005)
    print("done", flush=True)
"""


def tell(processes, line):
    """Let several processes go at the same moment."""
    for process in processes:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()


def hear(processes):
    return [process.stdout.readline().strip() for process in processes]


def end(processes):
    said = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said


@on_a_file
def test_writers_take_turns(store, start_program):
    names = [store.worker(f"writer-{number}") for number in range(4)]
    writers = [start_program(WRITER, store.database.location, name) for name in names]
    assert hear(writers) == ["ready"] * 4
    rounds = []
    for _ in range(3):
        store.sql("UPDATE workers SET beat = 0")
        tell(writers, 400)
        assert hear(writers) == ["done"] * 4
        rounds.append([beat for (beat,) in store.sql("SELECT beat FROM workers WHERE id <> 'ada'")])
    end(writers)
    # Every transaction committed, none was `database is locked`.
    assert [sum(shares) for shares in rounds] == [400] * 3
    # 100 each, were all machines ideal; a busy one may keep a process from asking for a while.
    assert median(map(min, rounds)) >= 75, rounds


def test_a_fresh_database_opened_by_many_is_made_once(tmp_path, start_program):
    openers = [start_program(OPENER) for _ in range(4)]
    assert hear(openers) == ["ready"] * 4
    for number in range(50):
        path = tmp_path / f"{number}.db"
        tell(openers, path)
        found = hear(openers)
        if found != [migrate.HEAD] * 4:
            end(openers)
    end(openers)
    database = Database(path)
    with database.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM jobrunner_version")) == 1
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    database.close()


def test_an_empty_database_upgraded_by_many_is_made_once(server, start_program):
    openers = [start_program(OPENER) for _ in range(4)]
    assert hear(openers) == ["ready"] * 4
    for _ in range(3):
        with server.database(empty=True) as url:
            tell(openers, url)
            assert hear(openers) == [migrate.HEAD] * 4
            database = Database(url)
            with database.reading() as connection:
                assert connection.scalar(text("SELECT count(*) FROM jobrunner_version")) == 1
            database.close()
    end(openers)


def test_threads_share_one_database(store):
    def write():
        for _ in range(25):
            store.sql("UPDATE workers SET beat = beat + 1")

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.sql("SELECT beat FROM workers") == [(150,)]


FORKS = """
import os, sys, threading
from jobrunner.storage.engine import Database
from sqlalchemy import text

database = Database(sys.argv[1])

def count():
    with database.writing() as transaction:
        transaction.execute(text("UPDATE workers SET beat = beat + 1"))

def driver():
    with database.reading() as transaction:
        return id(transaction.connection.driver_connection)
"""

FORK_WITH_CONNECTION = (
    FORKS
    + """
before = driver()
assert driver() == before
child = os.fork()
if child == 0:
    assert driver() != before
    count()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert driver() == before
count()
"""
)

FORK_AND_DIE = (
    FORKS
    + """
writes = threading.Event()

def hold():
    with database.writing() as transaction:
        writes.set()
        threading.Event().wait()

threading.Thread(target=hold, daemon=True).start()
writes.wait()
if os.fork() == 0:
    print("forked", os.getpid(), flush=True)
    sys.stdin.readline()
    os._exit(0)
threading.Event().wait()
"""
)


def test_a_child_after_a_fork_does_not_use_its_parents_connection(store, run_program):
    run_program(FORK_WITH_CONNECTION, store.database.location)
    assert store.sql("SELECT beat FROM workers") == [(2,)]


def test_a_child_does_not_keep_its_dead_parents_turn(store, start_program, run_program):
    parent = start_program(FORK_AND_DIE, store.database.location)
    _, child = parent.stdout.readline().split()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    try:
        run_program(FORKS + "count()", store.database.location)
    finally:
        os.kill(int(child), signal.SIGKILL)
    assert store.sql("SELECT beat FROM workers") == [(1,)]
