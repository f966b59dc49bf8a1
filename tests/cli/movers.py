"""Queues to move, commands that move them, and what is where afterwards."""

from jobrunner import NewTask, TaskQueue
from jobrunner.core.errors import DatabaseMovedError, SchemaError

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


def move(cli, place, to, *more):
    return cli("--db", place, "db", "move", "--to", to, "--json", *more)


def work(cli, place, *more):
    return cli.process("--db", place, "-A", "app", "work", "--until-empty", *more)


def tasks_of(moved):
    """What a move says of the tasks."""
    return next(table for table in moved["tables"] if table["table"] == "tasks")
