"""An evening of the studio, for the pictures: what was before, and workers of which one dies."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any, Final

import studio

from jobrunner import NewTask, Status, Task, TaskQueue, Worker
from jobrunner.core.events import ignore
from jobrunner.core.insight import TaskQuery
from jobrunner.core.worker import WorkerInfo

BACK: Final = 58
"""Minutes of the hour that has passed."""

SHELF: Final = 15
"""Minutes between two batches of it."""

PATIENCE: Final = 120.0
"""Seconds that a step may take, on a machine that has other things to do."""

LOOK_EVERY: Final = 0.02
KILL_AT: Final = 6
"""Parts of the film that are rendered when its worker is killed."""

RENDER: Final = ("--name=render", "-c4", "-qrender", "-qdefault", "-qarchive", "--offers=gpu=1")
FRONT: Final = ("--name=front", "-c6", "-qingest", "-qmail=2", "-qupkeep")
CREWS: Final = (RENDER, RENDER, FRONT)
"""How each worker is started."""

KEY: Final = "sk_live_4242424242424242"
"""What looks like a secret, and is not shown."""


class DayError(Exception):
    """It does not go as it should."""


class Leaping:
    """A clock that is behind, and leaps to the next minute when told to."""

    def __init__(self) -> None:
        self.behind = timedelta(minutes=BACK)

    def now(self) -> datetime:
        """The moment that it shows."""
        return datetime.now(UTC) - self.behind

    def monotonic(self) -> float:
        """Seconds that no leap moves."""
        return time.monotonic()


def past_hour() -> None:
    """What was done in the last hour: a worker does all of it now, while its clock leaps."""
    clock = Leaping()
    queue = TaskQueue(studio.DATABASE, emit=ignore, clock=clock)
    queue.registry = studio.queue.registry
    worker = Worker(queue, concurrency=6, name="render")
    thread = Thread(target=worker.run)
    thread.start()
    try:
        for minute in range(BACK):
            queue.enqueue_many(_of_minute(minute))
            if minute % SHELF == 0:
                queue.batches.enqueue(_shelf(minute), description=f"shelf {minute // SHELF + 1}")
            until(lambda: not _open(queue), "the hour that has passed")
            clock.behind -= timedelta(minutes=1)
    finally:
        worker.stop()
        thread.join()
        queue.close()


def _of_minute(minute: int) -> list[NewTask[Any]]:
    number = 12 + round(9 * math.sin(minute / 6)) + minute % 5
    first = minute * 40
    pictures = [studio.thumbnail.using(max_attempts=1).bind(first + n) for n in range(number)]
    mails = [
        studio.notify.bind(f"mx{n % 3}.example", first + n) for n in range(max(2, number // 4))
    ]
    return [*pictures, *mails]


def _shelf(minute: int) -> list[NewTask[Any]]:
    first = 5_000 + minute
    return [studio.thumbnail.using(max_attempts=1).bind(first + n) for n in range(12)]


def _open(queue: TaskQueue) -> int:
    counts = queue.counts()
    return counts[Status.PENDING] + counts[Status.IN_PROGRESS]


class Evening:
    """What goes on while the pictures are taken: a film, a workflow, mails, a queue that is paused.

    `film`, `batch` and `last` are the ids of the film, of the workflow and of its last task.
    """

    def __init__(self) -> None:
        """Enqueue all of it."""
        self._began = time.monotonic()
        queue = studio.queue
        queue.queues.limit("render", concurrency=7)
        queue.queues.limit("mail", rate=(120, 60))
        queue.keys.limit("smtp", concurrency=2)
        queue.queues.pause("archive")
        clips = studio.make_clips(["opening", "weather", "harbour", "torn"])
        tasks, listed = studio.evening(clips)
        film = studio.transcode.using(priority=9, description="evening film")
        self.film = film.enqueue("evening.mov", preset="av1", api_key=KEY).id
        self.batch = queue.batches.enqueue(
            tasks, description="evening programme", on_end=studio.notify.bind("mx0.example", 7)
        ).id
        self.last = self._of_batch(function=listed.function)[0].id
        big = studio.transcode.using(needs={"gpu": 2}, description="trailer in 8K")
        tonight = studio.nightly.using(delay=3 * 3600)
        queue.enqueue_many([*_mails(), *_archived(), big.bind("trailer.mov"), tonight.bind()])

    @property
    def seconds(self) -> int:
        """How long it has been going on, and a little more."""
        return round(time.monotonic() - self._began) + 2

    @property
    def torn(self) -> int:
        """The task that has failed, of a clip that was torn."""
        return self._of_batch(function="ingest", status=Status.FAILED)[0].id

    def kill_who_renders(self) -> None:
        """Kill the worker of the film in the middle of it, and wait until another goes on.

        Raises:
            DayError: it takes too long.
        """
        until(lambda: _parts(self.film) >= KILL_AT, "the film")
        first = studio.queue.get(self.film).worker_id
        pids = {worker.id: worker.pid for worker in studio.queue.workers()}
        if first is None:
            raise DayError("the film has ended too early")
        os.kill(pids[first], signal.SIGKILL)
        until(lambda: studio.queue.get(self.film).worker_id not in {None, first}, "a rescue")

    def wait_for_a_failure(self) -> None:
        """Until the torn clip is known to be one.

        Raises:
            DayError: it takes too long.
        """
        until(lambda: self._of_batch(status=Status.FAILED), "the torn clip")

    def _of_batch(self, **wanted: Any) -> Sequence[Task[Any]]:
        return studio.queue.insight.find(TaskQuery(batch_id=self.batch, **wanted), 50)


def _parts(task_id: int) -> float:
    progress = studio.queue.get(task_id).progress
    return progress.done if progress else 0


def _mails() -> list[NewTask[Any]]:
    return [studio.notify.bind(f"mx{n % 3}.example", 3_000 + n) for n in range(40)]


def _archived() -> list[NewTask[Any]]:
    away = ["tar", "-cf", "archive.tar", "."]
    return [NewTask(command=away, queue="archive", priority=-1) for _ in range(3)]


def until(done: Callable[[], object], what: str) -> None:
    """Look again and again until it is so.

    Raises:
        DayError: it takes too long.
    """
    give_up_at = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > give_up_at:
            raise DayError(f"{what} takes more than {PATIENCE:.0f} s")
        time.sleep(LOOK_EVERY)


@contextlib.contextmanager
def working() -> Generator[None]:
    """Have the crews work; they end in order."""
    with contextlib.ExitStack() as crews:
        for words in CREWS:
            crews.enter_context(_running("work", "--shutdown-grace=1", *words))
        until(lambda: len(_alive()) == len(CREWS), "the start of all workers")
        yield


def _alive() -> list[WorkerInfo]:
    return [worker for worker in studio.queue.workers() if worker.stopped_at is None]


@contextlib.contextmanager
def serving() -> Generator[str]:
    """Have a server answer; yields its URL."""
    with _running("serve", "--port", "0", "--allow-commands") as server:
        url = server.stdout.readline().strip() if server.stdout else ""
        if not url.startswith("http"):
            raise DayError("the server did not start")
        yield url.rstrip("/")


@contextlib.contextmanager
def _running(*words: str) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "jobrunner", "-A", "studio:queue", *words]
    environment = os.environ | {"PYTHONPATH": "."}
    with (
        Path(f"{words[0]}.log").open("a") as log,
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            process.terminate()
