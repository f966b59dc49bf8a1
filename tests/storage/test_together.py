"""Group commit: threads that enqueue while others write share a transaction, and nothing else."""

import contextlib
import ctypes
import queue as queues
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobrunner import NewTask, TaskQueue
from jobrunner.core.errors import (
    CommitUnknownError,
    ConflictError,
    DatabaseError,
    DiskFullError,
    PayloadError,
    UnknownParentError,
)
from jobrunner.storage import together
from jobrunner.storage.engine import Database
from tests.databases import on_a_file

WRITER = "jobrunner-enqueue"

pytestmark = pytest.mark.timeout(60)


class Line(queues.SimpleQueue):
    """Where orders wait; tells of each that comes."""

    def __init__(self):
        super().__init__()
        self.come = threading.Semaphore(0)

    def put(self, order):
        super().put(order)
        self.come.release()

    def wait_for(self, count):
        for _ in range(count):
            assert self.come.acquire(timeout=30)


class Shared:
    """A queue whose writer is held back until all have come, and what it does."""

    def __init__(self, queue):
        self.queue = queue
        self.group = queue.store._together
        self.group._line = self.line = Line()
        self.go = threading.Event()
        self.plan = []
        """What the next transactions of the writer do: `kept`, `lost`, or an error to raise."""
        self.commits = 0
        self.pool = ThreadPoolExecutor(16)

    def start(self, *calls):
        """Call each in a thread of its own, and wait until all stand in line."""
        futures = [self.pool.submit(self.queue.enqueue_many, call) for call in calls]
        self.line.wait_for(len(calls))
        return futures

    def all(self, *calls):
        futures = self.start(*calls)
        self.go.set()
        return [future.exception(timeout=30) or future.result() for future in futures]

    def names(self):
        return sorted(task.description for task in self.queue.find(limit=1000))


@pytest.fixture
def shared(location, monkeypatch):
    queue = TaskQueue(location)
    assert queue.counts()
    shared = Shared(queue)
    writing, commit = Database.writing, Database._commit

    @contextlib.contextmanager
    def held(database, **options):
        if threading.current_thread().name == WRITER:
            assert shared.go.wait(30)
            if shared.plan and isinstance(shared.plan[0], Exception):
                raise shared.plan.pop(0)
        with writing(database, **options) as connection:
            yield connection

    def shaky(database, connection, transaction):
        fate = shared.plan.pop(0) if shared.plan else "works"
        if fate == "lost":
            transaction.rollback()
        else:
            commit(database, connection, transaction)
            shared.commits += 1
        if fate != "works":
            raise CommitUnknownError("it is not known", hint="Look.")

    monkeypatch.setattr(Database, "writing", held)
    monkeypatch.setattr(Database, "_commit", shaky)
    monkeypatch.setattr(Database, "is_busy", lambda _: True)
    yield shared
    shared.go.set()
    shared.pool.shutdown()
    assert queue.check() == []
    queue.close()


def new(*names, **fields):
    return [NewTask(function="work", description=name, **fields) for name in names]


def test_what_waits_together_is_stored_together(shared):
    answers = shared.all(*[new(f"{n}-a", f"{n}-b") for n in range(8)])
    assert shared.commits == 1
    for number, tasks in enumerate(answers):
        assert [task.description for task in tasks] == [f"{number}-a", f"{number}-b"]
        assert [task.refresh() for task in tasks] == tasks
    assert len(shared.names()) == 16


def test_nobody_returns_before_the_commit(shared, monkeypatch):
    commit, returned = Database._commit, []

    def looked(*args):
        returned.extend(future for future in futures if future.done())
        commit(*args)

    futures = shared.start(*[new(str(n)) for n in range(4)])
    monkeypatch.setattr(Database, "_commit", looked)
    shared.go.set()
    assert [len(future.result(30)) for future in futures] == [1] * 4
    assert returned == []
    assert shared.names() == list("0123")


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"args": [float("nan")]}, PayloadError),
        ({"after": [999]}, UnknownParentError),
    ],
)
def test_a_task_that_cannot_be_stored_fails_for_its_caller_only(shared, bad, error):
    answers = shared.all(new("a"), new("bad", **bad), new("b"))
    assert [type(answer) for answer in answers] == [list, error, list]
    assert shared.names() == ["a", "b"]


def test_dependents_of_what_is_stored_share_too(shared):
    shared.go.set()
    parent = shared.queue.enqueue(new("parent")[0])
    shared.line.wait_for(1)
    shared.go.clear()
    answers = shared.all(new("a", after=[parent]), new("b"), new("c", after_any=[parent.id]))
    assert [tasks[0].status for tasks in answers] == ["blocked", "pending", "blocked"]
    assert [tasks[0].after for tasks in answers] == [(parent.id,), (), (parent.id,)]
    assert shared.commits == 2


def test_a_call_that_names_its_own_tasks_as_parents_has_a_transaction_of_its_own(shared):
    first = new("first")
    shared.queue.enqueue_many([*first, *new("second", after=first)])
    assert shared.line.empty()


def test_a_commit_whose_end_is_unknown_is_looked_up_for_all(shared):
    for fate in ("kept", "lost"):
        shared.plan.append(fate)
        answers = shared.all(*[new(f"{fate}-{n}") for n in range(4)])
        assert [[task.description for task in tasks] for tasks in answers] == [
            [f"{fate}-{n}"] for n in range(4)
        ]
        assert [task.refresh() for tasks in answers for task in tasks] == sum(answers, [])
        shared.go.clear()
    assert len(shared.names()) == 8


def test_an_unknown_end_is_told_to_each_by_an_error_of_its_own(shared):
    shared.plan += ["lost", "lost"]
    errors = shared.all(new("a"), new("b"), new("c"))
    assert [type(error) for error in errors] == [CommitUnknownError] * 3
    assert len({id(error) for error in errors}) == 3
    assert {error.hint for error in errors} == {"Look."}
    assert shared.names() == []


@pytest.mark.parametrize("error", [ConflictError("again"), DatabaseError("busy"), ValueError("?")])
def test_what_fails_together_is_tried_by_each_alone(shared, error):
    shared.plan.append(error)
    answers = shared.all(new("a"), new("b"))
    assert [tasks[0].description for tasks in answers] == ["a", "b"]
    assert shared.names() == ["a", "b"]


def test_a_full_disk_is_told_to_each(shared, monkeypatch):
    def refuse():
        raise DiskFullError("no room")

    monkeypatch.setattr(shared.queue.database.reserve, "refuse_when_low", refuse)
    errors = shared.all(new("a"), new("b"))
    assert [type(error) for error in errors] == [DiskFullError] * 2
    assert shared.names() == []


def test_in_a_transaction_of_the_user_nothing_is_shared(shared):
    with shared.queue.transaction():
        shared.queue.enqueue_many(new("a"))
    assert shared.line.empty()
    with pytest.raises(ValueError, match="no"), shared.queue.transaction():
        shared.queue.enqueue_many(new("b"))
        raise ValueError("no")
    assert shared.names() == ["a"]


def test_whoever_has_an_open_transaction_does_not_wait_for_a_shared_one(shared):
    with (
        shared.queue.database.writing(),
        pytest.raises(DatabaseError, match="is open already"),
    ):
        shared.queue.enqueue_many(new("a"))
    assert shared.line.empty()


def test_very_many_have_a_transaction_of_their_own(shared):
    shared.queue.enqueue_ids(new("a") * (together.FEW + 1))
    assert shared.line.empty()


class StoppedError(Exception):
    """Raised into a thread, as a timeout does."""


def test_a_thread_that_is_stopped_while_it_waits_stops_nobody_else(shared, monkeypatch):
    monkeypatch.setattr(together, "LOOK", 0.01)
    ident = shared.pool.submit(threading.get_ident).result()
    others = ThreadPoolExecutor(1)  # the one idle thread of the pool is used again
    (victim,) = shared.start(new("victim"))
    other = others.submit(shared.queue.enqueue_many, new("other"))
    shared.line.wait_for(1)
    stop = ctypes.pythonapi.PyThreadState_SetAsyncExc
    assert stop(ctypes.c_ulong(ident), ctypes.py_object(StoppedError)) == 1
    assert isinstance(victim.exception(timeout=30), StoppedError)
    shared.go.set()
    assert [task.description for task in other.result(30)] == ["other"]
    assert shared.names() == ["other"]
    others.shutdown()


def test_an_interrupt_from_the_keyboard_takes_back_only_ones_own(shared):
    (other,) = shared.start(new("other"))

    def interrupt():
        shared.line.wait_for(1)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    shared.pool.submit(interrupt)
    with pytest.raises(KeyboardInterrupt):
        shared.queue.enqueue_many(new("mine"))
    shared.go.set()
    assert [task.description for task in other.result(30)] == ["other"]
    assert shared.names() == ["other"]


def test_if_the_writer_is_gone_another_takes_its_place(shared, monkeypatch):
    monkeypatch.setattr(together, "LOOK", 0.01)
    run = together.Together._run
    monkeypatch.setattr(
        together.Together, "_run", lambda _: monkeypatch.setattr(together.Together, "_run", run)
    )
    assert [tasks[0].description for tasks in shared.all(new("a"), new("b"))] == ["a", "b"]


def test_the_writer_ends_when_nothing_waits_and_comes_again(shared, monkeypatch):
    monkeypatch.setattr(together, "LINGER", 0.0)
    shared.go.set()
    for name in ("a", "b"):
        shared.queue.enqueue_many(new(name))
        for thread in threading.enumerate():
            if thread.name == WRITER:
                thread.join(30)
        assert not shared.group.is_at_work
    assert shared.names() == ["a", "b"]


def test_one_who_writes_alone_is_left_alone(shared, monkeypatch):
    monkeypatch.setattr(together, "LINGER", 30.0)
    shared.go.set()
    for number in range(together.ALONE):
        shared.queue.enqueue_many(new(str(number)))
    for thread in threading.enumerate():
        if thread.name == WRITER:
            thread.join(30)
    assert not shared.group.is_at_work


@on_a_file
def test_threads_that_find_a_writer_at_work_share(location):
    queue = TaskQueue(location)
    queue.counts()
    queue.store._together._line = line = Line()
    with ThreadPoolExecutor(4) as pool:
        with queue.database.writing():
            futures = [pool.submit(queue.enqueue_many, new(str(n))) for n in range(4)]
            line.wait_for(4)
        assert [future.result(30)[0].description for future in futures] == list("0123")
    queue.close()


FORK = """
import contextlib, os, sys, threading, warnings
from jobrunner import NewTask, TaskQueue
from jobrunner.storage.engine import Database

warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads is what this is about
queue = TaskQueue(sys.argv[1])
queue.counts()
queue.close()
writing, waits, gate = Database.writing, threading.Event(), threading.Lock()

@contextlib.contextmanager
def held(database, **options):
    waits.set()
    with gate, writing(database, **options) as connection:
        yield connection

Database.writing, Database.is_busy = held, lambda _: True

def enqueue(name):
    return queue.enqueue(NewTask(function=name))

with gate:  # so that no thread is inside SQLite, which no fork survives
    threads = [threading.Thread(target=enqueue, args=["parent"]) for _ in range(4)]
    for thread in threads:
        thread.start()
    waits.wait()
    child = os.fork()
    if child == 0:
        gate = threading.Lock()
        os._exit(0 if enqueue("child").id else 1)
    _, status = os.waitpid(child, 0)
for thread in threads:
    thread.join()
print(status, len(queue.find(function="child")), len(queue.find(function="parent")), queue.check())
"""


@on_a_file
def test_a_forked_child_does_not_wait_for_its_parents_threads(location, run_program):
    assert run_program(FORK, location) == "0 1 4 []\n"


KILLED = """
import os, signal, sys, threading
from collections import Counter
from jobrunner import NewTask, TaskQueue
from jobrunner.storage import store
from jobrunner.storage.engine import Database
from jobrunner.testing.crashes import crash_points

queue = TaskQueue(sys.argv[1])
queue.counts()
Database.is_busy = lambda _: True
many, enqueue, seen = int(sys.argv[3]), store.enqueue, []

def counted(transaction, new, **options):
    seen.append(len(new))
    return enqueue(transaction, new, **options)

def kill(side, name):
    assert name == "enqueue"
    if side == sys.argv[2] and seen[-1] > 1 and len(seen) > many:
        os.kill(os.getpid(), signal.SIGKILL)

store.enqueue = counted
crash_points(queue.database, kill)

def work(name):
    for number in range(100000):
        task = queue.enqueue(NewTask(function="work", description=f"{name}-{number}"))
        os.write(1, f"{task.id} {name}-{number}\\n".encode())

for name in "abcdefgh":
    threading.Thread(target=work, args=[name]).start()
"""


@pytest.mark.parametrize("side", ["before", "after"])
def test_what_was_told_as_stored_outlives_a_kill(location, start_program, side):
    victim = start_program(KILLED, location, side, "20")
    said, _ = victim.communicate(timeout=60)
    assert victim.returncode == -signal.SIGKILL, said
    told = {tuple(line.split()) for line in said.splitlines()}
    queue = TaskQueue(location)
    found = [(str(task.id), task.description) for task in queue.find(limit=100_000)]
    assert told <= set(found)
    assert len({name for _, name in found}) == len(found)
    assert len(set(found) - told) <= 8 * (side == "after") + 8
    assert queue.check() == []
    queue.close()
