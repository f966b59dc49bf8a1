"""Group commit when a thread, the writer or the process ends in the middle of it."""

import ctypes
import signal
import threading

import pytest

from jobrunner import TaskQueue
from jobrunner.storage import together
from tests.databases import on_a_file
from tests.storage.sharing import new

pytestmark = pytest.mark.timeout(60)


class StoppedError(Exception):
    """Raised into a thread, as a timeout does."""


def test_a_thread_that_is_stopped_while_it_waits_stops_nobody_else(shared, monkeypatch):
    monkeypatch.setattr(together, "LOOK", 0.01)
    idents = []

    def enqueue():
        idents.append(threading.get_ident())
        return shared.queue.enqueue_many(new("victim"))

    victim = shared.pool.submit(enqueue)
    (other,) = shared.start(new("other"))
    shared.line.wait_for(1)
    assert shared.there.wait(30)  # a thread that is just being started would be struck instead
    stop = ctypes.pythonapi.PyThreadState_SetAsyncExc
    assert stop(ctypes.c_ulong(idents[0]), ctypes.py_object(StoppedError)) == 1
    assert isinstance(victim.exception(timeout=30), StoppedError)
    shared.go.set()
    assert [task.description for task in other.result(30)] == ["other"]
    assert shared.names() == ["other"]


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


@pytest.mark.parametrize("step", ["_work", "_run"])
def test_if_the_writer_is_gone_another_takes_its_place(shared, monkeypatch, step):
    monkeypatch.setattr(together, "LOOK", 0.01)
    as_it_is = getattr(together.Together, step)
    monkeypatch.setattr(
        together.Together, step, lambda _: monkeypatch.setattr(together.Together, step, as_it_is)
    )
    assert [tasks[0].description for tasks in shared.all(new("a"), new("b"))] == ["a", "b"]


def test_the_writer_ends_when_nothing_waits_and_comes_again(shared, monkeypatch):
    monkeypatch.setattr(together, "LINGER", 0.0)
    shared.go.set()
    for name in ("a", "b"):
        shared.queue.enqueue_many(new(name))
        assert shared.over.wait(30)
        assert not shared.group.is_at_work
    assert shared.names() == ["a", "b"]


def test_one_who_writes_alone_is_left_alone(shared, monkeypatch):
    monkeypatch.setattr(together, "LINGER", 30.0)
    shared.go.set()
    for number in range(together.ALONE):
        shared.queue.enqueue_many(new(str(number)))
    assert shared.over.wait(30)
    assert not shared.group.is_at_work


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
