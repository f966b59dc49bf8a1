"""What the shop does in the background, some of it badly."""

import os

from jobrunner import Retry
from jobrunner import context as attempt
from jobrunner.contrib.django.framework import tasks

task = tasks.task


@task()
def noop(*args, **kwargs):
    """Do nothing."""


@task
async def noop_async(*args, **kwargs):
    """Do nothing, and wait for nothing."""


@task()
def meaning_of_life():
    return 42


@task()
async def double(number):
    return 2 * number


@task(queue_name="mail", priority=5)
def send(to):
    return f"sent to {to}"


@task()
def fail():
    raise ValueError("out of stock")


@task()
def leave():
    raise SystemExit("closed")


@task()
def fail_within():
    raise ValueError(ValueError("inside"))


class StockError(Exception):
    """An exception of the shop's own."""


@task()
def fail_in_many_words():
    raise StockError("none left\nsubprocess.StockError: none left, really")


@task()
def fail_together():
    raise ExceptionGroup("all at once", [StockError("one"), ValueError("two")])


@task()
def odd_result():
    return StockError


@task()
def second_time_lucky():
    if attempt.attempt == 1:
        raise Retry(after=0)
    return attempt.attempt


@task(takes_context=True)
def own_id(context):
    return context.task_result.id


@task(takes_context=True)
async def own_attempt(context, expected):
    assert context.attempt == expected
    return context.attempt


@task()
def process_id():
    return os.getpid()
