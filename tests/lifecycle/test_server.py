"""A server that ends sessions, crashes and comes back: nothing is lost, and workers go on."""

import contextlib
import itertools
import threading

import pytest

from jobrunner import DatabaseError, NewTask
from jobrunner.core.status import Status
from tests.databases import Postgres
from tests.lifecycle.conftest import Stage
from tools import postgres

TASKS = 600
OTHERS = "datname = current_database() AND pid <> pg_backend_pid()"
END_ALL = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {OTHERS}"  # noqa: S608
END_COMMITS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"  # noqa: S608
    f" WHERE wait_event = 'SyncRep' AND {OTHERS}"
)

STEPS = """
@queue.task
def step(number):
    say(number)
"""


@pytest.fixture
def server():
    """A server of the test's own, whose commits can be made to wait for a standby."""
    replicating = {"wal_level": "replica", "max_wal_senders": "2"}
    with postgres.running(durable=True, settings=replicating) as server:
        yield server


@pytest.fixture
def database(server):
    with Postgres(server.url()).database() as url:
        yield url.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def stage(tmp_path, server, database):
    stage = Stage(tmp_path, server.url(database))
    stage.write(STEPS)
    yield stage
    stage.end()


@pytest.fixture
def ask(server, database):
    """One statement on the test's database, by a session of its own."""

    def ask(statement):
        with Postgres(server.url()).connection(database) as connection:
            found = connection.execute(statement)
            return found.fetchone() if found.description else None

    return ask


def all_ended(stage):
    """Whether every task has completed."""
    return stage.queue.counts()[Status.COMPLETED] == sum(stage.queue.counts().values())


def each_once(stage):
    """Every task has run, and has completed once."""
    tasks = stage.queue.find(limit=10 * TASKS)
    assert {task.args[0] for task in tasks} <= {int(number) for number in stage.log()}
    assert {stage.outcomes(task.id).count("completed") for task in tasks} == {1}


def two_workers(stage):
    """Start them, and wait until they work: one that cannot begin ends."""
    workers = [stage.worker(concurrency=2), stage.worker(concurrency=2)]
    for worker in workers:
        assert any(line.startswith("WorkerStarted") for line in worker.stdout)
    return workers


def test_a_server_that_crashes_and_comes_back_loses_nothing(stage, server):
    stage.queue.enqueue_many([NewTask(function="step", args=(n,)) for n in range(TASKS)])
    workers = two_workers(stage)
    for part in (3, 2, 1):
        stage.until(lambda part=part: len(stage.log()) > TASKS // 4 // part)
        server.stop("immediate")
        server.start()
        stage.queue.close()
    stage.until(lambda: all_ended(stage))
    assert [process.poll() for process in workers] == [None, None]
    each_once(stage)


@contextlib.contextmanager
def sessions_end(ask, acknowledged):
    """All of them, twenty times a second; but something is acknowledged in between.

    On a busy machine it takes longer to come back, and nobody would get anything done.
    """
    over = threading.Event()

    def end():
        known = -1
        while not over.wait(0.05):
            if len(acknowledged) > known:
                known = len(acknowledged)
                ask(END_ALL)

    ending = threading.Thread(target=end)
    ending.start()
    yield
    over.set()
    ending.join()


def test_sessions_that_are_ended_under_load_lose_nothing(stage, ask):
    """Enqueuers and workers at once; what was acknowledged is there once."""
    workers = two_workers(stage)
    acknowledged, failed = [], 0
    with sessions_end(ask, acknowledged):
        for number in itertools.count():
            try:
                acknowledged.append(stage.enqueue("step", number))
            except DatabaseError:
                failed += 1
            if failed >= 5 and len(acknowledged) >= TASKS // 4:
                break
    stage.until(lambda: all_ended(stage))
    assert [process.poll() for process in workers] == [None, None]
    assert len(set(acknowledged)) == len(acknowledged)
    stored = [task.args[0] for task in stage.queue.find(limit=10 * TASKS)]
    assert len(set(stored)) == len(stored), "a task was stored twice"
    assert {task.id for task in stage.queue.find(limit=10 * TASKS)} >= set(acknowledged)
    each_once(stage)


@contextlib.contextmanager
def commits_wait(ask):
    """Every COMMIT waits for a standby that there is not; what it wrote is on the disk."""
    ask("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    ask("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        ask("ALTER SYSTEM RESET synchronous_standby_names")
        ask("SELECT pg_reload_conf()")


def test_who_is_ended_in_its_commit_looks_before_it_repeats(stage, ask):
    """An enqueuer, and a worker in its claim and in its settlement: all is done once."""
    stage.worker(concurrency=2)
    stage.until(lambda: len(stage.queue.workers()) == 1)
    stored = []
    with commits_wait(ask):
        enqueuing = threading.Thread(target=lambda: stored.append(stage.enqueue("step", 1)))
        enqueuing.start()
        stage.until(lambda: ask(END_COMMITS) and not enqueuing.is_alive())
        stage.until(lambda: ask(END_COMMITS)[0])  # the claim
    stage.until(lambda: all_ended(stage))
    assert [task.id for task in stage.queue.find()] == stored
    assert stage.log() == ["1"]

    running = stage.enqueue("until_file", "go")
    stage.running(running)
    with commits_wait(ask):
        (stage.folder / "go").touch()
        stage.until(lambda: ask(END_COMMITS)[0])  # the settlement
    stage.until(lambda: all_ended(stage))
    assert [stage.outcomes(task) for task in (*stored, running)] == [["completed"]] * 2
