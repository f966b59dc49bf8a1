"""A task that bills: steps outside, rows of its own, its end; and the kill that it brings along."""

import os
import signal

from sqlalchemy import text

from jobrunner import TaskQueue, Worker, context
from jobrunner.core.events import ignore
from jobrunner.runtime.running import current
from jobrunner.testing.crashes import crash_points
from tests.crash.application import write

queue = TaskQueue("bills.db", emit=ignore)
QUICK = {"concurrency": 1, "heartbeat": 0.2, "shutdown_grace": 0.5}

POINTS = [*(("step", nth) for nth in (1, 2)), *(("own transaction", nth) for nth in (1, 2, 3))]
"""The transactions that `bill` makes for two customers."""


def die_at(side, name, nth):
    """Have this process killed at a transaction of the attempt that runs here."""
    passed = []

    def hook(at_side, at_name):
        if (at_side, at_name) == (side, name):
            passed.append(1)
            if len(passed) == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    crash_points(current().link.database, hook)


def call(log, customer):
    """The paid call: what is written here cannot be taken back."""
    write(log, f"call {customer}")
    return {"customer": customer}


def book(connection, customer):
    row = {"task": context.task_id, "customer": customer}
    connection.execute(text("INSERT INTO ledger VALUES (:task, :customer)"), row)
    return customer


@queue.task
def bill(log, customers, point):
    if context.attempt == 1:
        die_at(*point)
    for customer in customers:
        said = context.step(f"call {customer}", call, log, customer)
        context.transact(f"book {customer}", book, said["customer"])
    with context.transaction() as connection:
        book(connection, "all")
        receipt.enqueue()
        context.complete(len(customers))
    return "nobody sees this"


@queue.task
def receipt():
    return "sent"


def work(location):
    """The body of a worker process."""
    queue.relocate(location)
    Worker(queue, **QUICK).run(until_empty=True)
