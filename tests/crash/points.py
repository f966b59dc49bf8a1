"""For each crash point a process that passes it, with what must be there for that."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobrunner import Worker
from jobrunner.core.task import Token, WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.runtime import maintenance
from jobrunner.storage import migrate, workers
from jobrunner.storage.claim import claim
from jobrunner.storage.engine import Database
from tests.crash.application import at, flaky, hold, place, saver, steady, stepper
from tests.crash.victims import SIDE_LOG

QUICK = {"concurrency": 2, "heartbeat": 0.2, "lost_after": 5.0, "shutdown_grace": 0.5}
NOBODY = WorkerId("nobody")


class Migrating:
    """A queue that is not open yet: its tables are made while the crash points are armed."""

    def __init__(self, folder):
        self.database = Database(place(folder))


def play(folder, plan, name):
    """The body of the victim: pass the point, which is its end."""
    if name == "migrate":
        opening = Migrating(folder)
        plan.arm(opening)
        migrate.upgrade(opening.database)
        return
    queue = at(folder)
    prepare, act = FAMILY if name == "family" else SCENARIOS[name]
    given = prepare(queue, str(Path(folder) / SIDE_LOG))
    plan.arm(queue)
    act(queue, given)


def task(queue, log):
    return steady.enqueue(log, 0.01).id


def family(queue, log):
    parent = steady.bind(log, 0.01)
    children = [steady.using(after=[parent]).bind(log, 0.01) for _ in range(2)]
    grandchild = steady.using(after_any=children).bind(log, 0.01)
    return queue.enqueue_ids([parent, *children, grandchild])


def long_task(queue, log):
    """Its first attempt lasts until the kill."""
    return hold.enqueue(log, 60).id


def saving(queue, log):
    return saver.enqueue(log, 3).id


def stepping(queue, log):
    return stepper.enqueue(log).id


def cancelled(queue, log):
    found = steady.using(delay=3600).enqueue(log, 0.01).id
    queue.cancel(found)
    return found


def later(queue, log):
    return steady.using(delay=3600).enqueue(log, 0.01).id


def several(queue, log):
    return [steady.bind(log, 0.01), flaky.bind(log)]


def held(queue, log, **options):
    """A task in the hands of a worker that does not exist on this machine."""
    found = steady.using(**options).enqueue(log, 0.01).id
    now = datetime.now(UTC)
    info = WorkerInfo(
        id=NOBODY,
        host="elsewhere",
        boot_id="another",
        pid=1,
        executor="thread",
        concurrency=1,
        queues=(),
        status=WorkerStatus.RUNNING,
        beat=0,
        started_at=now,
        seen_at=now,
        stopped_at=None,
        error=None,
    )
    with queue.database.writing() as transaction:
        workers.register(transaction, info)
        claim(transaction, worker_id=NOBODY, token=Token(1), limit=1, now=now)
    return found


def orphan(queue, log):
    found = held(queue, log)
    with queue.database.writing() as transaction:
        workers.set_stopped(transaction, NOBODY, now=datetime.now(UTC))
    return found


def overdue(queue, log):
    maintenance.OVERDUE_GRACE = 0.0
    return held(queue, log, timeout=timedelta(milliseconds=1))


def silent(queue, log):
    return held(queue, log)


def work(queue, _given):
    Worker(queue, **QUICK).run(until_empty=True)


def work_with_little_patience(queue, _given):
    Worker(queue, **QUICK | {"lost_after": 0.5}).run(until_empty=True)


def work_and_keep_what_is_printed(queue, _given):
    Worker(queue, **QUICK, capture=True).run(until_empty=True)


def work_and_stop(queue, _given):
    worker = Worker(queue, **QUICK, on_join=lambda _: worker.stop())
    worker.run()


def enqueue(queue, new):
    queue.enqueue_ids(new)


def enqueue_in_transaction(queue, new):
    with queue.transaction():
        queue.enqueue_ids(new)


def cancel(queue, found):
    queue.cancel(found)


def retry(queue, found):
    queue.retry(found)


def send(queue, found):
    queue.events.send("approved", task=found)


def update(queue, found):
    queue.update(found, priority=7)


def expired(queue, log):
    return steady.using(expires_in=timedelta(microseconds=1)).enqueue(log, 0.01).id


def done(queue, log):
    found = steady.enqueue(log, 0.01).id
    work(queue, found)
    return found


def due(queue, log):
    """A schedule whose tick is in the past."""
    queue.schedules.add("hourly", timedelta(hours=1), steady.bind(log, 0.01))
    with queue.database.writing() as transaction:
        transaction.exec_driver_sql("UPDATE schedules SET next_at = next_at - 3600000001")


def enqueue_batch(queue, new):
    queue.batches.enqueue_ids(new)


def cancel_many(queue, found):
    queue.bulk.cancel(ids=[found])


def pause_another(queue, _found):
    queue.queues.pause("another")


def rewind(queue, found):
    queue.rewind(found)


SCENARIOS = {
    "batch": (several, enqueue_batch),
    "beat": (long_task, work),
    "bulk": (later, cancel_many),
    "cancel": (later, cancel),
    "enqueue": (several, enqueue),
    "event": (task, send),
    "expire": (expired, work),
    "fire": (due, work),
    "join": (task, work),
    "leave": (task, work),
    "output": (long_task, work_and_keep_what_is_printed),
    "progress": (saving, work),
    "own transaction": (stepping, work),
    "prune": (task, work),
    "rescue": (silent, work_with_little_patience),
    "rescue of an orphan": (orphan, work),
    "rescue of one overdue": (overdue, work),
    "retry": (cancelled, retry),
    "rewind": (done, rewind),
    "rule": (task, pause_another),
    "settle": (task, work),
    "step": (stepping, work),
    "stop": (task, work_and_stop),
    "transaction": (several, enqueue_in_transaction),
    "update": (later, update),
}
"""What to prepare unarmed, and what to do armed. `migrate` is in `play`: it comes first."""

FAMILY = (family, work)
"""Tasks whose turns release dependents too."""
