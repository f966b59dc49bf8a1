"""Functions that store what they have done, importable from child processes too."""

import asyncio
import contextlib
from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from jobrunner import EventTimeoutError, Retry, Snooze, TaskQueue, context
from jobrunner.core.control_errors import StepError
from jobrunner.runtime.running import current

durable = TaskQueue("never-opened.db")


def note(path, line="ran"):
    with Path(path).open("a") as file:
        file.write(f"{line}\n")
    return line


async def note_async(path, line="ran"):
    return await asyncio.to_thread(note, path, line)


def insert(connection, number):
    connection.execute(text("INSERT INTO numbers VALUES (:number)"), {"number": number})
    return number


def again():
    """Fail the first attempt."""
    if context.attempt == 1:
        raise Retry("once more", after=0)


@durable.task
def two_steps(path):
    first = context.step("first", note, path, line="1")
    context.step("nothing", dict)
    again()
    return [first, context.step("second", note, path, "2")]


@durable.task
async def two_steps_async(path):
    first = await context.step("first", note_async, path, line="1")
    context.step("nothing", dict)
    again()
    return [first, await context.step("second", note_async, path, "2")]


@durable.task
def tuple_step():
    return context.step("pair", lambda: (1, 2))[0]


@durable.task
def same_name_twice():
    context.step("a", int)
    context.step("a", int)


@durable.task
def again_after_a_failure(path):
    with contextlib.suppress(ZeroDivisionError):
        context.step("a", lambda: 1 / 0)
    return context.step("a", note, path)


@durable.task
def step_named(name):
    return context.step(name, int)


@durable.task
def unawaited_step():
    return context.step("a", lambda: note_async("nowhere"))


@durable.task
def step_of_no_json(path):
    note(path)
    context.step("a", object)


@durable.task
def step_in_their_transaction(location):
    with closing(TaskQueue(location)) as queue, queue.transaction():
        context.step("a", int)


@durable.task
def lose_the_lease(what):
    """Somebody else takes the task while it runs; then it stores something."""
    if context.attempt > 1:
        return
    with current().link.database.writing() as connection:
        taken = text("UPDATE tasks SET token = token + 1 WHERE id = :id")
        connection.execute(taken, {"id": context.task_id})
    if what == "step":
        context.step("a", int)
    else:
        with context.transaction() as connection:
            insert(connection, 1)


@durable.task
def book(number, *, fail=False):
    with context.transaction() as connection:
        insert(connection, number)
        context.step("booked", lambda: number)
        with context.transaction() as same:
            insert(same, number + 1)
        if fail:
            raise ValueError(number)


@durable.task
def book_again_after_a_rollback():
    with contextlib.suppress(ValueError), context.transaction() as connection:
        insert(connection, 1)
        context.step("booked", int)
        raise ValueError
    with context.transaction() as connection:
        insert(connection, 2)
        return context.step("booked", lambda: 2)


@durable.task
def transact_twice(path):
    def booked(connection, number):
        note(path)
        return insert(connection, number)

    made = context.transact("book", booked, 7)
    again()
    return made


@durable.task
async def complete_async(number):
    with context.transaction() as connection:
        insert(connection, number)
        context.complete({"number": number})


@durable.task
def complete(number, then=""):
    context.progress(1)
    with context.transaction() as connection:
        insert(connection, number)
        context.complete({"number": number})
    context.progress(2)
    if then == "raise":
        raise ValueError(then)
    if then == "snooze":
        raise Snooze(60)
    return then


@durable.task
def complete_and_roll_back():
    with context.transaction() as connection:
        insert(connection, 1)
        context.complete(1)
        raise ValueError


@durable.task
def complete_wrongly(how):
    if how == "outside":
        context.complete(1)
    with context.transaction():
        context.complete(1)
        if how == "twice":
            context.complete(1)
        with contextlib.suppress(StepError):
            context.step("late", int)


@durable.task
def never_leave():
    with context.transaction() as connection:
        insert(connection, 1)
        while True:
            pass


@durable.task
def enqueue_inside(location, *, fail):
    with closing(TaskQueue(location)) as queue, context.transaction() as connection:
        insert(connection, 1)
        queue.enqueue(two_steps.using(delay=3600).bind("nowhere"))
        if fail:
            raise ValueError


@durable.task
def await_event(path, timeout=None):
    context.step("before", note, path, "before")
    return context.wait_for("approved", timeout=timeout)


@durable.task
async def await_event_async(path, timeout=None):  # noqa: ASYNC109 — not of the coroutine
    await context.step("before", note_async, path, "before")
    return context.wait_for("approved", timeout=timeout)


@durable.task
def receive_and_fail(path):
    got = context.wait_for("approved")
    note(path, str(got))
    again()
    return [got, context.wait_for("approved")]


@durable.task
def go_on_without(path):
    try:
        return context.wait_for("approved", timeout=0)
    except EventTimeoutError:
        context.step("escalated", note, path, "escalated")
        again()
        return "nobody"


@durable.task
def wait_inside():
    with context.transaction():
        context.wait_for("approved")
