"""`db move`: nothing is lost and nothing runs twice, whoever is killed and whoever enqueues."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobrunner import NewTask, TaskQueue
from jobrunner.core.errors import DatabaseMovedError, SchemaError
from jobrunner.core.status import Status
from jobrunner.storage import moves
from jobrunner.storage.dialect import say
from jobrunner.storage.engine import Database
from tests.runtime.support import until

APP = """
import time
from pathlib import Path
from jobrunner import TaskQueue

queue = TaskQueue("own.db")

@queue.task
def work(n):
    return n

@queue.task
def gate():
    Path("running").touch()
    while not Path("go").exists():
        time.sleep(0.01)
"""

ENQUEUES = """
import sys
from jobrunner import NewTask, TaskQueue
from jobrunner.core.errors import DatabaseError, DatabaseMovedError

queue = TaskQueue(sys.argv[1], emit=lambda event: None)
while True:
    try:
        print(queue.enqueue(NewTask(function="work", args=[0])).id, flush=True)
    except DatabaseMovedError as error:
        sys.exit(str(error))
    except DatabaseError:
        pass  # it was not accepted
"""

KILLED = """
import os, signal, sys
from jobrunner.cli import app
from jobrunner.storage.engine import Database
from jobrunner.storage.prepared import Insert

left = int(sys.argv[2])

def deadly(call):
    def counting(*arguments):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments)
    return counting

kind, name = {"commit": (Database, "_commit"), "insert": (Insert, "run")}[sys.argv[1]]
setattr(kind, name, deadly(getattr(kind, name)))
sys.exit(app.run(sys.argv[3:]))
"""
"""Runs a command that is killed before its so manieth COMMIT or INSERT."""


def total(place):
    """How many tasks there are in a place, by status; `None` where nobody may work."""
    queue = TaskQueue(place, emit=lambda _event: None)
    try:
        return {status: number for status, number in queue.counts().items() if number} or None
    except (DatabaseMovedError, SchemaError):
        return None
    finally:
        queue.close()


def fill(place, chains=30, length=10):
    """Chains of tasks; returns their number."""
    queue = TaskQueue(place)
    new = []
    for n in range(chains * length):
        after = [new[-1]] if n % length else []
        new.append(NewTask(function="work", args=[n], after=after))
    queue.enqueue_ids(new)
    queue.close()
    return len(new)


@pytest.fixture
def there(cli, server):
    """A folder with an application and a file of tasks, and an empty database of a server."""
    (cli.folder / "app.py").write_text(APP)
    with server.database(empty=True) as url:
        yield url


@pytest.fixture(params=["from a file", "from a server"])
def places(request, there):
    """A place with tables, and an empty one."""
    if request.param == "from a file":
        return "jobs.db", there
    queue = TaskQueue(there)
    queue.upgrade()
    queue.close()
    return there, "jobs.db"


def move(cli, place, to, *more):
    return cli("--db", place, "db", "move", "--to", to, "--json", *more)


def work(cli, place, *more):
    return cli.process("--db", place, "-A", "app", "work", "--until-empty", *more)


def test_work_that_is_half_done_goes_on_there_and_back_here(cli, there):
    count = fill("jobs.db", chains=200)
    work(cli, "jobs.db", "--max-tasks", "1000")
    first = move(cli, "jobs.db", there).json
    assert {"table": "tasks", "rows": 2_000}.items() <= first["tables"][0].items()
    assert total(there)[Status.COMPLETED] == 1_000
    work(cli, there, "--max-tasks", "500")
    onward = move(cli, there, "jobs.db").json
    assert first["tables"][0]["checksum"] != onward["tables"][0]["checksum"]
    again = move(cli, "jobs.db", there).json
    assert again["tables"] == onward["tables"]
    assert work(cli, there).code == 0
    queue = TaskQueue(there)
    assert queue.counts()[Status.COMPLETED] == count
    assert {task.attempt for task in queue.find(limit=count)} == {1}
    assert queue.check() == []
    queue.close()


def test_the_old_place_names_the_new_one(cli, there):
    fill("jobs.db")
    ran = cli("db", "move", "--to", there)
    assert ran.code == 0
    assert ran.out.splitlines()[0].split("\t") == ["table", "rows", "checksum"]
    name = Database(there).name
    assert ran.err == f"Moved to {name}: use it with --db from now on.\n"
    for words in (["enqueue", "work"], ["work", "-A", "app"], ["task", "list"]):
        ran = cli(*words)
        assert (ran.code, ran.out) == (4, "")
        assert ran.err.splitlines() == [
            f"jobrunner: the database {cli.folder}/jobs.db was moved to {name}.",
            f"Use --db {name}.",
        ]
    assert move(cli, "jobs.db", there).error["code"] == "database_moved"


def test_an_old_place_that_is_opened_again_works_as_before(cli, there):
    fill("jobs.db")
    assert cli("db", "move", "--reopen").out == f"{cli.folder}/jobs.db was not moved; it is open.\n"
    move(cli, "jobs.db", there)
    ran = cli("db", "move", "--reopen")
    assert ran.out == f"{cli.folder}/jobs.db is open again; do not use {Database(there).name}.\n"
    assert cli("enqueue", "work").code == 0
    assert "is not empty" in move(cli, "jobs.db", there).error["message"]


def start_worker(cli, queue):
    """Start a worker that is busy until there is a file `go`, with five tasks more to do."""
    queue.enqueue(NewTask(function="gate", priority=1))
    queue.enqueue_ids([NewTask(function="work", args=[n]) for n in range(5)])
    words = ["--db", queue.store.location, "-A", "app", "work", "--concurrency", "1"]
    worker = cli.start(*words)
    until(queue, Path("running").exists)
    return worker


def ended(process, to):
    """Wait for the end of a process whose database has moved."""
    _, said = process.communicate(timeout=30)
    assert process.returncode == 4, said
    assert f"moved to {Database(to).name}.\n" in said
    assert "Traceback" not in said
    return True


def test_a_worker_that_is_alive_is_named_and_nothing_is_changed(cli, places):
    place, to = places
    queue = TaskQueue(place)
    worker = start_worker(cli, queue)
    (info,) = queue.workers()
    told = move(cli, place, to).error
    assert told["message"] == f"worker {info.id} (process {worker.pid}) is alive"
    assert "--drain" in told["hint"]
    Path("go").touch()
    until(queue, lambda: queue.counts()[Status.COMPLETED] == 6)
    worker.terminate()
    worker.communicate(timeout=30)
    queue.close()


def test_what_runs_is_waited_for_and_what_waits_moves(cli, places):
    place, to = places
    queue = TaskQueue(place)
    worker = start_worker(cli, queue)
    mover = cli.start("--db", place, "db", "move", "--to", to, "--drain", "--json")

    def draining():
        with queue.database.reading() as transaction:
            return moves.find(transaction, moves.TO)

    assert until(queue, draining).status == moves.DRAINING
    queue.enqueue(NewTask(function="work", args=[9]))
    Path("go").touch()
    out, _ = mover.communicate(timeout=30)
    assert json.loads(out)["tables"][0]["rows"] == 7
    queue.close()
    assert ended(worker, to)
    assert total(to) == {Status.COMPLETED: 1, Status.PENDING: 6}
    work(cli, to)
    assert total(to) == {Status.COMPLETED: 7}


def test_a_scheduler_whose_database_moves_ends_with_its_workers(cli, places):
    place, to = places
    fill(place, chains=1, length=1)
    scheduler = cli.start("--db", place, "-A", "app", "work", "--workers", "2")
    queue = TaskQueue(place)
    until(queue, lambda: queue.counts()[Status.COMPLETED] == 1)
    queue.close()
    assert move(cli, place, to, "--drain").code == 0
    assert ended(scheduler, to)


def test_whatever_was_accepted_during_a_move_is_in_the_new_place(cli, places):
    place, to = places
    fill(place)
    command = [sys.executable, "-c", ENQUEUES, place]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cli.folder
    ) as enqueuer:
        accepted = {int(enqueuer.stdout.readline()) for _ in range(20)}
        assert move(cli, place, to).code == 0
        rest, said = enqueuer.communicate(timeout=30)
    accepted |= set(map(int, rest.split()))
    assert " moved to " in said
    queue = TaskQueue(to)
    with queue.database.reading() as transaction:
        found = set(transaction.exec_driver_sql("SELECT id FROM tasks").scalars())
    assert accepted <= found
    assert len(found) == 300 + len(accepted)
    queue.close()


@pytest.mark.parametrize("point", ["commit", "insert"])
def test_a_move_that_is_killed_at_any_point_is_finished_by_the_same_command(cli, places, point):
    place, to = places
    fill(place, chains=3)
    number = 0
    killed = True
    while killed:
        number += 1
        words = ["--db", place, "db", "move", "--to", to, "--drain"]
        command = [sys.executable, "-c", KILLED, point, str(number), *words]
        ran = subprocess.run(command, cwd=cli.folder, capture_output=True, check=False)
        killed = ran.returncode == -signal.SIGKILL
        opened = [where for where in (place, to) if total(where)]
        assert opened in ([], [place], [to])
        if killed:
            assert move(cli, place, to).code == 0
        assert (total(place), total(to)) == (None, {Status.BLOCKED: 27, Status.PENDING: 3})
        place, to = to, place
    assert number > {"commit": 4, "insert": 2}[point]


def test_a_move_that_fails_leaves_the_source_as_it_was(cli, places):
    place, to = places
    fill(place)
    before = total(place)
    queue = TaskQueue(to)
    queue.upgrade()
    with queue.database.writing() as transaction:
        meddle(transaction)
    ran = move(cli, place, to)
    assert (ran.code, ran.error["code"]) == (1, "move")
    assert total(place) == before
    assert total(to) is None
    assert cli.process("--db", place, "enqueue", "work").code == 0
    queue.close()


def meddle(transaction):
    """Have a database refuse no task, and alter each that it is given."""
    altered = "UPDATE tasks SET queue = 'x'"
    say(
        transaction,
        file=[f"CREATE TRIGGER meddle AFTER INSERT ON tasks BEGIN {altered}; END"],
        server=[f"CREATE RULE meddle AS ON INSERT TO dependencies DO ALSO {altered}"],
    )


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ("db move", 2, "it takes either --to or --reopen"),
        ("db move --to x.db --reopen", 2, "it takes either --to or --reopen"),
        ("db move --to jobs.db", 4, "it is the database itself"),
        ("--db none.db db move --to x.db", 4, "there is no database"),
        ("db move --to mysql://x/y", 4, "databases of kind 'mysql' are not supported"),
        ("db move --to no/folder.db", 4, "does not exist"),
    ],
)
def test_what_cannot_be_moved_is_told(cli, words, code, sentence):
    cli.enqueue()
    ran = cli(*words.split())
    assert (ran.code, ran.out) == (code, "")
    assert sentence in ran.err
    assert cli("enqueue", "add").code == 0


def test_a_database_of_another_version_is_to_be_upgraded_first(cli, there):
    assert os.environ["JOBRUNNER_DB"] == "jobs.db"
    ran = cli("--db", there, "db", "move", "--to", "x.db")
    assert (ran.code, ran.err.splitlines()[1]) == (
        4,
        "Run `jobrunner db upgrade`; nothing was changed.",
    )
    assert not Path("x.db").exists()
