"""Functions that read and make files, and note that they ran; for child processes too."""

import asyncio
from pathlib import Path

from jobrunner import TaskQueue
from tests.runtime.durable import note

remembered = TaskQueue("never-opened.db")


@remembered.task
def count_words(path, log, *, at_least=0):
    """Read one file, and note that it was read."""
    note(log)
    return len([word for word in Path(path).read_text().split() if len(word) > at_least])


@remembered.task
async def count_words_async(path, log):
    note(log)
    return await asyncio.to_thread(lambda: len(Path(path).read_text().split()))


@remembered.task
def copy(source, target, log):
    note(log)
    Path(target).write_text(Path(source).read_text())


@remembered.task
def meddle(path, log):
    """Change what it was to read."""
    note(log)
    Path(path).write_text("changed meanwhile")


@remembered.task
def fail_with(path, log):
    note(log)
    raise ValueError(path)
