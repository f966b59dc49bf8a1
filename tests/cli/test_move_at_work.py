"""A move while others are at work: nothing is lost and nothing runs twice, whoever is killed."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobrunner import NewTask, TaskQueue
from jobrunner.core.status import Status
from jobrunner.storage import moves
from jobrunner.storage.engine import Database
from tests.cli.movers import fill, move, tasks_of, total, work
from tests.runtime.support import PATIENCE, until

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
import json, os, signal, sys
import alembic.command, psycopg
from jobrunner.cli import app, move
from jobrunner.runtime import moving
from jobrunner.storage.engine import Database
from jobrunner.storage.prepared import Insert

def deadly(call, left):
    def counting(*arguments):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments)
    return counting

def run(point, number, words):
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    kind, name = {"commit": (Database, "_commit"), "insert": (Insert, "run")}[point]
    setattr(kind, name, deadly(getattr(kind, name), number))
    return app.run(words)

for line in sys.stdin:
    child = os.fork()
    if not child:
        os._exit(run(*json.loads(line)))
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""
"""Runs commands, each in a process that is killed before its so manieth COMMIT or INSERT.

They are forked from one that has imported everything, for that takes the longest by far.
"""


@pytest.fixture
def killed(cli):
    """Run a command to its so manieth COMMIT or INSERT; whether it has got that far."""
    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=cli.folder
    ) as forks:

        def killed(point, number, *words):
            print(json.dumps([point, number, words]), file=forks.stdin, flush=True)
            code = int(forks.stdout.readline())
            assert code in {0, -signal.SIGKILL}
            return code != 0

        yield killed
        forks.stdin.close()


WORK = ("-A", "app", "work", "--heartbeat", "0.5")
"""A worker that has nothing to do learns at its next beat that its database has moved."""


def start_worker(cli, queue):
    """Start a worker that is busy until there is a file `go`, with five tasks more to do."""
    queue.enqueue(NewTask(function="gate", priority=1))
    queue.enqueue_ids([NewTask(function="work", args=[n]) for n in range(5)])
    worker = cli.start("--db", queue.store.location, *WORK, "--concurrency", "1")
    until(queue, Path("running").exists)
    return worker


def ended(process, to):
    """Wait for the end of a process whose database has moved."""
    _, said = process.communicate(timeout=PATIENCE)
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
    worker.communicate(timeout=PATIENCE)
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
    out, _ = mover.communicate(timeout=PATIENCE)
    assert tasks_of(json.loads(out))["rows"] == 7
    queue.close()
    assert ended(worker, to)
    assert total(to) == {Status.COMPLETED: 1, Status.PENDING: 6}
    work(cli, to)
    assert total(to) == {Status.COMPLETED: 7}


def test_a_scheduler_whose_database_moves_ends_with_its_workers(cli, places):
    place, to = places
    fill(place, chains=1, length=1)
    scheduler = cli.start("--db", place, *WORK, "--workers", "2")
    queue = TaskQueue(place)
    until(queue, lambda: queue.counts()[Status.COMPLETED] == 1)
    queue.close()
    assert move(cli, place, to, "--drain").code == 0
    assert ended(scheduler, to)


def test_who_waits_for_a_task_is_told_where_it_went(cli, places):
    place, to = places
    waiter = cli.start("--db", place, "enqueue", "work", "n=1", "--wait")
    assert waiter.stdout.readline() == "1\n"  # it is stored, and is waited for from here on
    assert move(cli, place, to).code == 0
    assert ended(waiter, to)


def test_whatever_was_accepted_during_a_move_is_in_the_new_place(cli, places):
    place, to = places
    fill(place)
    command = [sys.executable, "-c", ENQUEUES, place]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cli.folder
    ) as enqueuer:
        accepted = {int(enqueuer.stdout.readline()) for _ in range(20)}
        assert move(cli, place, to).code == 0
        rest, said = enqueuer.communicate(timeout=PATIENCE)
    accepted |= set(map(int, rest.split()))
    assert " moved to " in said
    queue = TaskQueue(to)
    with queue.database.reading() as transaction:
        found = set(transaction.exec_driver_sql("SELECT id FROM tasks").scalars())
    assert accepted <= found
    assert len(found) == 300 + len(accepted)
    queue.close()


@pytest.mark.parametrize("point", ["commit", "insert"])
def test_a_move_that_is_killed_at_any_point_is_finished_by_the_same_command(
    cli, places, killed, point
):
    place, to = places
    fill(place, chains=3)
    number = 0
    was_killed = True
    while was_killed:
        number += 1
        was_killed = killed(point, number, "--db", place, "db", "move", "--to", to, "--drain")
        opened = [where for where in (place, to) if total(where)]
        assert opened in ([], [place], [to])
        if was_killed:
            assert move(cli, place, to).code == 0
        assert (total(place), total(to)) == (None, {Status.BLOCKED: 27, Status.PENDING: 3})
        place, to = to, place
    assert number > {"commit": 4, "insert": 2}[point]
