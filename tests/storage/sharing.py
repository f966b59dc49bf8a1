"""A queue whose shared transactions wait until they may go, and fail as planned."""

import contextlib
import queue as queues
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobrunner import NewTask, TaskQueue
from jobrunner.core.errors import CommitUnknownError
from jobrunner.storage.engine import Database
from jobrunner.storage.together import Together


class Line(queues.SimpleQueue):
    """Where orders wait; tells of each that comes."""

    def __init__(self):
        super().__init__()
        self.come = threading.Semaphore(0)

    def put(self, order):
        super().put(order)
        self.come.release()

    def was_used(self):
        return self.come.acquire(blocking=False)

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
        self.writers = set()
        self.there, self.over = threading.Event(), threading.Event()
        """The writer has begun, and has ended."""
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

    def held(self, writing):
        """As a writing transaction, but the writer's waits until it may go."""

        @contextlib.contextmanager
        def begin(database, **options):
            if threading.get_ident() in self.writers:
                assert self.go.wait(30)
                if self.plan and isinstance(self.plan[0], Exception):
                    raise self.plan.pop(0)
            with writing(database, **options) as connection:
                yield connection

        return begin

    def noted(self, work):
        """As the work of a writer, which can be told from others, and its end waited for."""

        def run(group):
            self.writers.add(threading.get_ident())
            self.over.clear()
            self.there.set()
            work(group)
            self.over.set()

        return run

    def shaky(self, commit):
        """As a COMMIT, but some raise: `lost` ones change nothing, `kept` ones have worked."""

        def end(database, connection, transaction):
            fate = self.plan.pop(0) if self.plan else "works"
            if fate == "lost":
                transaction.rollback()
            else:
                commit(database, connection, transaction)
                self.commits += 1
            if fate != "works":
                raise CommitUnknownError("it is not known", hint="Look.")

        return end

    def names(self):
        return sorted(task.description for task in self.queue.find(limit=1000))


@pytest.fixture
def shared(location, monkeypatch):
    queue = TaskQueue(location)
    assert queue.counts()
    shared = Shared(queue)
    monkeypatch.setattr(Database, "writing", shared.held(Database.writing))
    monkeypatch.setattr(Database, "_commit", shared.shaky(Database._commit))
    monkeypatch.setattr(Database, "is_busy", lambda _: True)
    monkeypatch.setattr(Together, "_work", shared.noted(Together._work))
    yield shared
    shared.go.set()
    shared.pool.shutdown()
    assert queue.check() == []
    queue.close()


def new(*names, **fields):
    return [NewTask(function="work", description=name, **fields) for name in names]
