"""A store in a fresh database, with short ways to take tasks through it."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import psycopg
import pytest
from sqlalchemy import text

from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Ended, Outcome
from jobrunner.core.status import Status
from jobrunner.core.task import Lease, Task, TaskId, TaskSource, Token, WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.storage import check, claim, control, migrate, reads, sweep, workers
from jobrunner.storage.engine import Database
from jobrunner.storage.enqueue import enqueue
from jobrunner.storage.settle import Settlement, settle
from jobrunner.storage.types import micros
from tests.storage.clusters import cluster
from tests.storage.hearing import Ear
from tests.storage.sharing import shared as shared  # noqa: PLC0414 — a fixture of two files
from tools import postgres

T = TypeVar("T")

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WAIT = timedelta(seconds=10)


def backoff(failures: int) -> timedelta:
    """10 s after the first failure, 20 s after the second."""
    return failures * WAIT


class Nowhere(TaskSource):
    """Tasks here are read by the store, never by themselves."""


class Store:
    """One database and a clock that stands until it is moved; each call is a transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW
        self._tokens = itertools.count(1)

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def write(self, call: Callable[..., T], /, *args: Any, **options: Any) -> T:
        with self.database.writing() as transaction:
            return call(transaction, *args, **options)

    def read(self, call: Callable[..., T], /, *args: Any, **options: Any) -> T:
        with self.database.reading() as transaction:
            return call(transaction, *args, **options)

    def sql(self, statement: str, **values: Any) -> list[Any]:
        with self.database.writing() as transaction:
            found = transaction.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []

    def enqueue(self, *new: NewTask[Any]) -> list[TaskId]:
        return [row["id"] for row in self.write(enqueue, new, now=self.now)]

    def add(self, **fields: Any) -> TaskId:
        work = {} if "command" in fields else {"function": "work"}
        return self.enqueue(NewTask(**(work | fields)))[0]

    def worker(self, name: str = "ada", **fields: Any) -> WorkerId:
        info = {
            "id": WorkerId(name),
            "host": "here",
            "boot_id": "boot",
            "pid": 1,
            "executor": "thread",
            "concurrency": 1,
            "queues": (),
            "status": WorkerStatus.RUNNING,
            "beat": 0,
            "started_at": self.now,
            "seen_at": self.now,
            "stopped_at": None,
            "error": None,
        }
        self.write(workers.register, WorkerInfo(**(info | fields)))
        return WorkerId(name)

    def claim(self, worker: str = "ada", *, limit: int = 100, **options: Any) -> list[Lease]:
        return self.write(
            claim.claim,
            worker_id=WorkerId(worker),
            token=Token(next(self._tokens)),
            limit=limit,
            now=self.now,
            **options,
        )

    def claim_one(self, worker: str = "ada", **options: Any) -> Lease:
        (lease,) = self.claim(worker, limit=1, **options)
        return lease

    def ended(self, lease: Lease, outcome: Outcome) -> Ended:
        """A run that took no time."""
        return Ended(lease, outcome, micros(self.now), micros(self.now))

    def settle_all(self, ended: Sequence[Ended], *, worker: str = "ada") -> Settlement:
        return self.write(settle, ended, worker_id=WorkerId(worker), now=self.now, backoff=backoff)

    def settle(
        self, lease: Lease, outcome: Outcome, *, worker: str = "ada", **fields: Any
    ) -> Settlement:
        ended = self.ended(lease, outcome)._replace(**fields)
        return self.settle_all([ended], worker=worker)

    def finish(self, task_id: TaskId, outcome: Outcome) -> Settlement:
        """Run a pending task by itself, past all others, and settle it."""
        self.sql("UPDATE tasks SET priority = 2000000000 WHERE id = :id", id=task_id)
        lease = self.claim_one()
        assert lease.task_id == task_id
        return self.settle(lease, outcome)

    def lose(self, worker: str = "ada", *, reason: str = "killed") -> bool:
        (beat,) = self.sql("SELECT beat FROM workers WHERE id = :id", id=worker)[0]
        return self.write(
            workers.declare_lost, WorkerId(worker), seen_beat=beat, reason=reason, now=self.now
        )

    def rescue(self, worker: str = "ada", *, reason: str = "killed") -> Settlement:
        return self.write(
            sweep.rescue, WorkerId(worker), reason=reason, now=self.now, backoff=backoff
        )

    def cancel(self, task_id: TaskId) -> Status:
        return self.write(control.cancel, task_id, now=self.now)

    def retry(self, task_id: TaskId) -> Status:
        return self.write(control.retry, task_id, now=self.now)

    def get(self, task_id: TaskId) -> Task[Any]:
        return self.read(reads.get, task_id, source=Nowhere())

    def statuses(self, *ids: TaskId) -> list[str]:
        return [self.get(task_id).status.value for task_id in ids]

    def history(self, task_id: TaskId) -> list[str]:
        return [record.outcome for record in self.read(reads.history, task_id)]

    def everything(self) -> list[Any]:
        """Every row there is: what a refused write must leave as it was."""
        tables = ("tasks", "attempts", "progress", "dependencies", "rewinds", "status_changes")
        return [self.sql(f"SELECT * FROM {table}") for table in tables]  # noqa: S608

    def problems(self) -> list[str]:
        return list(self.read(lambda transaction: list(check.problems(transaction))))


@pytest.fixture
def database(location: str) -> Iterator[Database]:
    """A fresh database of the newest schema."""
    database = Database(location)
    migrate.ensure(database)
    yield database
    database.close()


@pytest.fixture
def empty_store(database: Database) -> Store:
    """A store without workers."""
    return Store(database)


@pytest.fixture
def store(empty_store: Store) -> Iterator[Store]:
    """A store with one worker, `ada`, that must be sound at the test's end."""
    empty_store.worker("ada")
    yield empty_store
    assert empty_store.problems() == []


@pytest.fixture(scope="module")
def own() -> Iterator[postgres.Server]:
    """A server whose users, limits and life are one file's."""
    with cluster() as server:
        database = Database(server.url())
        migrate.upgrade(database)
        database.close()
        yield server


@pytest.fixture
def connection(location: str) -> Iterator[psycopg.Connection[Any]]:
    """A session of its own at a server, each statement for itself."""
    with psycopg.connect(location, autocommit=True) as connection:
        yield connection


@pytest.fixture
def ear(connection: psycopg.Connection[Any]) -> Ear:
    """Hears what is told at a server."""
    return Ear(connection)


@pytest.fixture
def make_store() -> Callable[[Database], Store]:
    """For tests that need many stores."""
    return Store


@pytest.fixture
def start_program() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python program texts in processes of their own; those still there are killed."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-W", "error", "-c", program, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                **options,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def run_program(start_program: Callable[..., subprocess.Popen[str]]) -> Callable[..., str]:
    """Run a program to its end and return what it said."""

    def run(program: str, *arguments: str, **options: Any) -> str:
        process = start_program(program, *arguments, **options)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
        return said

    return run
