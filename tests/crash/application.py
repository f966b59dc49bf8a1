"""The tasks of the kill loop; each writes to a side log itself, which is the witness."""

import os
import shlex
import sys
import time
from pathlib import Path

from jobrunner import NewTask, Retry, TaskQueue, context
from jobrunner.core.events import ignore
from jobrunner.function import new_task

DATABASE = "crash.db"
LOCATION = "location"
"""A file that names the database of its folder, where that is on a server."""
STARTED, ENDED = "started", "ended"

queue = TaskQueue(DATABASE, emit=ignore)


def write(path, line):
    """One line, whole and in order whoever else writes: O_APPEND and a single write."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def note(log, what):
    write(log, f"{what} {context.task_id} {context.attempt} {os.getpid()} {time.monotonic()}")


@queue.task
def steady(log, seconds):
    note(log, STARTED)
    time.sleep(seconds)
    note(log, ENDED)


@queue.task
def flaky(log):
    """Fails twice at least, whatever the kills do."""
    note(log, STARTED)
    if context.attempt <= 2:
        raise Retry("it is to fail twice", after=0.05)
    note(log, ENDED)


@queue.task
def walk(log, steps):
    note(log, STARTED)
    for step in context.resume(range(steps)):
        time.sleep(0.01)
        if step % 5 == 0:
            context.progress(step + 0.5, steps, note="halfway through a step")
    note(log, ENDED)


@queue.task
def saver(log, steps):
    note(log, STARTED)
    for step in range(context.last_checkpoint(0), steps):
        time.sleep(0.005)
        context.checkpoint(step + 1)
    note(log, ENDED)


@queue.task
def stepper(log):
    """A step, then its end, in transactions of its own."""
    note(log, STARTED)
    context.step("one", int)
    with context.transaction():
        note(log, ENDED)
        context.complete(context.step("two", int))


@queue.task
def parent(log):
    """Enqueues another task, in a transaction of its own."""
    note(log, STARTED)
    with queue.transaction():
        steady.enqueue(log, 0.001)
    note(log, ENDED)


@queue.task
def hold(log, seconds):
    """The first attempt holds on until it is killed."""
    note(log, STARTED)
    if context.attempt == 1:
        sys.stdout.write("holding on\n")  # a crash may come as this is stored
        time.sleep(seconds)
    note(log, ENDED)


def command(log, **options):
    """A command that writes the same lines, each with one write of the shell's echo."""
    line = "$JOBRUNNER_TASK_ID $JOBRUNNER_ATTEMPT $$ 0"
    log = shlex.quote(log)
    script = f'echo "{STARTED} {line}" >> {log}; echo "{ENDED} {line}" >> {log}'
    return new_task(options, command=["sh", "-c", script])


def batch(log):
    """One of everything, with dependencies and delays, for a single transaction."""
    first = steady.bind(log, 0.002)
    second = command(log, after=[first])
    tasks = [
        first,
        second,
        flaky.using(after_any=[second]).bind(log),
        walk.using(after=[first], priority=3).bind(log, 12),
        saver.bind(log, 6),
        parent.using(delay=0.05).bind(log),
        command(log, delay=0.1, priority=1),
        *(steady.using(priority=number).bind(log, 0.01) for number in range(5)),
    ]
    last: NewTask[None] = steady.using(after=tasks[:4]).bind(log, 0.001)
    return [*tasks, last]


def place(folder):
    """Where the database of a folder is."""
    named = Path(folder) / LOCATION
    return named.read_text() if named.exists() else str(Path(folder) / DATABASE)


def at(folder):
    """The queue, in a folder of its own."""
    queue.relocate(place(folder))
    return queue
