"""Any state of a queue, and what the claims of all its workers would take of it."""

import contextlib
import itertools
from datetime import timedelta

from hypothesis import strategies as st

from jobrunner.core.explanation import explain
from jobrunner.core.limits import Rate
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Crashed, Ended, Failed, Snoozed
from jobrunner.core.task import WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.runtime.settler import Settler, Want, _prepared
from jobrunner.storage import keys, queues, why, workers
from jobrunner.storage.enqueue import enqueue
from jobrunner.storage.settle import Settlement
from jobrunner.storage.types import micros
from tests.storage.conftest import Nowhere

TABLES = ("event_waits", "rate_starts", "queues", "concurrency_keys", "attempts", "dependencies")
ENDS = (Completed(), Failed("no"), Crashed("killed"), Snoozed(timedelta(seconds=9)))
OUTCOMES = (None, None, None, *ENDS)
RATES = (None, Rate(1, timedelta(seconds=10)), Rate(2, timedelta(seconds=10)))

tasks = st.fixed_dictionaries(
    {
        "queue": st.sampled_from("ab"),
        "priority": st.integers(0, 2),
        "delay": st.sampled_from([0, 0, 0, 0, 0, 0, 5, 20]),
        "expires": st.sampled_from([None, None, None, None, 1, 30]),
        "key": st.sampled_from([None, "k", "k:1", "free"]),
        "needs": st.sampled_from([{}, {}, {}, {}, {"gpu": 1}, {"gpu": 2}]),
        "parents": st.sets(st.integers(0, 19), max_size=1),
    }
)
rules = st.fixed_dictionaries(
    {
        "concurrency": st.sampled_from([None, 1, 2, 3]),
        "rate": st.sampled_from(RATES),
        "pause": st.sampled_from([False] * 5 + [True]),
    }
)
serving = st.fixed_dictionaries(
    {
        "queues": st.sampled_from([(), ("a",), ("a",), ("b", "a")]),
        "offers": st.sampled_from([{}, {"gpu": 1.0}, {"gpu": 2.0}]),
        "status": st.sampled_from([WorkerStatus.RUNNING] * 7 + [WorkerStatus.STOPPING]),
        "pause": st.sampled_from([False] * 7 + [True]),
    }
)
states = st.fixed_dictionaries(
    {
        "tasks": st.lists(tasks, min_size=3, max_size=8),
        "queues": st.dictionaries(st.sampled_from("ab"), rules, max_size=2),
        "keys": st.dictionaries(st.sampled_from(["k", "k:1", "free"]), rules, max_size=2),
        "workers": st.lists(serving, min_size=1, max_size=3),
        "early": st.booleans(),
        "first": st.integers(0, 4),
        "outcomes": st.lists(st.sampled_from(OUTCOMES), min_size=4, max_size=4),
        "seconds": st.sampled_from([1, 3, 7, 12]),
    }
)


def tell(store, task_id):
    """Explain one task of a store."""
    return explain(*store.read(why.look, task_id, source=Nowhere(), now=store.now))


class Undo(Exception):  # noqa: N818 — it is no error
    """A transaction is taken back."""


class Undone:
    """A database in which nothing stays that is written."""

    def __init__(self, database):
        self.database = database

    @contextlib.contextmanager
    def writing(self, **_how):
        with contextlib.suppress(Undo), self.database.writing() as transaction:
            yield transaction
            raise Undo


class Explaining:
    """Puts a store into a state, explains each task of it, and looks what claims would take."""

    def __init__(self, store):
        self.store = store
        self.ids = []

    def now(self):
        return self.store.now

    def monotonic(self):
        return 0.0

    def be(self, state):
        """All of it as the calls of users and workers leave it."""
        self.store.write(self._begin, state)
        first = self._settler("w0").turn([], [Want((), state["first"])]) if state["first"] else None
        if first is not None:
            self._end(first.leases, state["outcomes"])
        self.store.later(state["seconds"])
        self.store.write(self._rule, state)

    def _begin(self, transaction, state):
        for table in (*TABLES, "payloads", "tasks", "workers"):
            transaction.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
        for number, one in enumerate(state["workers"]):
            workers.register(transaction, self._worker(number, one))
        new = []
        for one in state["tasks"]:
            delay = timedelta(seconds=one["delay"])
            expires = one["expires"] and delay + timedelta(seconds=one["expires"])
            new.append(
                NewTask(
                    function="work",
                    queue=one["queue"],
                    priority=one["priority"],
                    delay=delay,
                    expires_in=expires,
                    concurrency_key=one["key"],
                    needs=one["needs"],
                    after=[new[at] for at in sorted(one["parents"]) if at < len(new)],
                )
            )
        rows = enqueue(transaction, new, now=self.store.now)
        self.ids = [row["id"] for row in rows]
        if state["early"]:
            self._limit(transaction, state)

    def _worker(self, number, one):
        now = self.store.now
        return WorkerInfo(
            id=WorkerId(f"w{number}"),
            host="here",
            boot_id="boot",
            pid=1,
            executor="thread",
            concurrency=1,
            queues=one["queues"],
            status=WorkerStatus.RUNNING,
            beat=0,
            started_at=now,
            seen_at=now,
            stopped_at=None,
            error=None,
            offers=one["offers"],
        )

    def _end(self, leases, outcomes):
        ended = [
            Ended(lease, outcome, micros(self.store.now), micros(self.store.now))
            for lease, outcome in zip(leases, itertools.cycle(outcomes), strict=False)
            if outcome is not None
        ]
        self._settler("w0").turn(ended, [])

    def _limit(self, transaction, state):
        for table, call in (("queues", queues.limit), ("keys", keys.limit)):
            for name, one in state[table].items():
                call(transaction, name, {"concurrency": one["concurrency"], "rate": one["rate"]})

    def _rule(self, transaction, state):
        """Where limits come late, more may run than they let."""
        self._limit(transaction, state)
        for name, one in state["queues"].items():
            if one["pause"]:
                queues.pause(transaction, name, now=self.store.now)
        for number, one in enumerate(state["workers"]):
            which = workers.workers.c.id == f"w{number}"
            values = {"status": one["status"]} | (
                {"paused_at": self.store.now} if one["pause"] else {}
            )
            transaction.execute(workers.workers.update().where(which).values(values))

    def sweep(self):
        """What every claim does first."""
        self.store.write(_prepared, self.store.now, Settlement([], [], []))

    def explanations(self):
        """Of each task, by id."""
        return {task_id: tell(self.store, task_id) for task_id in self.ids}

    def taken(self):
        """What any of the workers would claim, each as if it were the only one."""
        with self.store.database.reading() as transaction:
            everybody = workers.alive(transaction)
        return {
            lease.task_id
            for one in everybody
            for lease in self._settler(one.id, Undone(self.store.database), one.offers)
            .turn([], [Want(one.queues, 1_000)])
            .leases
        }

    def _settler(self, worker_id, database=None, offers=None):
        return Settler(database or self.store.database, worker_id, self, offers=offers)
