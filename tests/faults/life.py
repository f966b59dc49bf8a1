"""The life of a few tasks, from an empty folder to their end, and the recovery after it."""

import functools
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from jobrunner import DatabaseError, NewTask, Retry, TaskQueue, Worker, context
from jobrunner.core.errors import CommitUnknownError
from jobrunner.core.events import WorkerTrouble
from jobrunner.runtime import worker

ENDURED: Final = 3
"""Troubles of a worker after which it is killed, where the trouble does not end."""

TRIES: Final = 4

CHAINS: Final = (("parent", "dependent"), ("third",))
"""The tasks of a life; those of a chain are stored in one transaction."""

Say = Callable[..., None]
"""Tells what happened to who watches from outside: a word and its value."""


def application(path: Path, emit: Callable[[Any], None] = lambda _event: None) -> TaskQueue:
    """The queue and the one function of these lives."""
    queue = TaskQueue(path, emit=emit)

    @queue.task(max_attempts=20)
    def walk(label: str) -> str:
        try:
            context.progress(context.last_checkpoint(0), 1, note="on the way")
            context.checkpoint(1)
        except DatabaseError as error:
            raise Retry(str(error)) from error
        return label

    return queue


def make(path: Path, _say: Say) -> None:
    """Make the database and close it."""
    queue = application(path)
    queue.counts()
    queue.close()


class Life:
    """Opens the database, enqueues, and works until all has ended.

    What fails is tried again a few times, as a user would. Where the trouble is `lasting`, the
    process kills itself in the midst of it.
    """

    def __init__(self, path: Path, say: Say, *, lasting: bool) -> None:
        """`say` is told what was accepted and what went wrong."""
        self.say = say
        self.lasting = lasting
        self.troubles = 0
        self.queue = application(path, self.hear)

    def run(self) -> None:
        """From the first use of the database to the end of all tasks."""
        worker.TROUBLE_PAUSE = 0.01  # type: ignore[misc]
        self.stubborn(self.queue.counts)
        for labels in CHAINS:
            if self.stubborn(functools.partial(self.queue.enqueue_many, chain(labels)), once=True):
                self.say("accepted", labels)
        self.stubborn(lambda: Worker(self.queue, concurrency=1).run(until_empty=True))
        self.die_if_lasting()
        self.queue.close()

    def stubborn(self, call: Callable[[], Any], *, once: bool = False) -> bool:
        """Call until it works; what must be done `once` is not repeated when that is unknown."""
        for _ in range(TRIES):
            try:
                call()
            except CommitUnknownError as error:
                self.say("unknown", str(error))
                if once:
                    self.die_if_lasting()
                    return False
            except DatabaseError as error:
                self.say("refused", str(error))
            else:
                return True
        return False

    def hear(self, event: Any) -> None:
        """Note the troubles that a worker tells of."""
        if isinstance(event, WorkerTrouble):
            self.say("trouble", event.problem)
            self.troubles += 1
            if self.troubles >= ENDURED:
                self.die_if_lasting()

    def die_if_lasting(self) -> None:
        """As `kill -9` does: nothing is closed, nothing is rolled back."""
        if self.lasting:
            os.kill(os.getpid(), signal.SIGKILL)


def chain(labels: Sequence[str]) -> list[NewTask[Any]]:
    """Tasks that run one after the other."""
    made: list[NewTask[Any]] = []
    for label in labels:
        made.append(NewTask(function="walk", args=(label,), after=made[-1:], max_attempts=20))
    return made


def recover(path: Path, say: Say) -> None:
    """Look at what a life left behind, bring it to its end, and look again.

    Whoever got no answer looks for the task, and enqueues it only where it is not there.
    """
    queue = application(path)
    say("problems", queue.check())
    say("found", found := labels(queue))
    for chained in CHAINS:
        if not set(chained) & set(found):
            queue.enqueue_many(chain(chained))
    Worker(queue, concurrency=1).run(until_empty=True)
    say("stored", labels(queue))
    say("ended", [[t.status, completions(queue, t.id)] for t in queue.find(limit=100)])
    say("problems", queue.check())
    queue.close()


def labels(queue: TaskQueue) -> list[str]:
    """Which tasks there are, by what they were given."""
    return sorted(task.args[0] for task in queue.find(limit=100))


def completions(queue: TaskQueue, task_id: int) -> int:
    """How many attempts have completed."""
    return sum(record.outcome == "completed" for record in queue.history(task_id))
