"""jobrunner as it comes, but for its executor and the number of its slots."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.peers import protocol
from jobrunner import NewTask, TaskQueue, Worker
from jobrunner.core.events import ignore
from jobrunner.runtime.collector import calm

SLOTS = int(os.environ.get("PEER_SLOTS", "8"))
EXECUTOR = os.environ.get("PEER_EXECUTOR", "thread")
WIDTH = 100
"""Tasks in a layer of the layered graph; each waits for two of the layer before."""
ONCE = 50_000
"""Tasks in one call of a filling that nobody times: a million would fill the memory."""


QUEUE = TaskQueue(emit=ignore)


@QUEUE.task
def perform(payload: str) -> str:
    """The task, at the top of a module, where child processes find it."""
    return protocol.perform(payload)


def opened(url: str) -> TaskQueue:
    """The queue, connected."""
    QUEUE.relocate(located(url))
    QUEUE.counts()
    return QUEUE


def located(url: str) -> str:
    """The file in a folder, or the URL of a server."""
    return url if "://" in url else f"{url}/queue.db"


def new(payload: str, after: Sequence[NewTask[str]] = ()) -> NewTask[str]:
    """A task of the benchmark."""
    return NewTask(function="perform", args=(payload,), after=after)


def chain(payloads: Sequence[str]) -> list[NewTask[str]]:
    """Each after the one before."""
    tasks = [new(payloads[0])]
    for payload in payloads[1:]:
        tasks.append(new(payload, tasks[-1:]))
    return tasks


def fan(payloads: Sequence[str]) -> list[NewTask[str]]:
    """All but two after the first, and the last after them."""
    first = new(payloads[0])
    middle = [new(payload, [first]) for payload in payloads[1:-1]]
    return [first, *middle, new(payloads[-1], middle)]


def layered(payloads: Sequence[str]) -> list[NewTask[str]]:
    """Layers of a hundred, each task after two neighbours of the layer before."""
    tasks: list[NewTask[str]] = []
    for at, payload in enumerate(payloads):
        above = at - at % WIDTH - WIDTH
        places = (above + at % WIDTH, above + (at + 1) % WIDTH)
        tasks.append(new(payload, [tasks[one] for one in places] if above >= 0 else ()))
    return tasks


def commands(payloads: Sequence[str]) -> list[NewTask[str]]:
    """A command each: `true`, unless it is to keep a core busy."""
    busy = payloads[0].strip("bx")
    argv = [*COPY, f"count={busy}"] if busy else ["true"]
    return [NewTask(command=argv) for _ in payloads]


COPY = ("dd", "if=/dev/zero", "of=/dev/null", "bs=64k", "status=none")


def paused(payloads: Sequence[str]) -> list[NewTask[str]]:
    """Plain tasks, beside a queue that is paused."""
    QUEUE.queues.pause("another")
    return [new(payload) for payload in payloads]


def queue(payloads: Sequence[str]) -> list[NewTask[str]]:
    """Plain tasks of a queue that has a limit."""
    QUEUE.queues.limit("default", concurrency=1_000)
    return [new(payload) for payload in payloads]


def keys(payloads: Sequence[str]) -> list[NewTask[str]]:
    """Tasks of a hundred keys, of each so many at a time, in a queue that has a limit too."""
    QUEUE.keys.limit("key", concurrency=20)
    tasks = queue(payloads)
    return [replace(task, concurrency_key=f"key:{at % WIDTH}") for at, task in enumerate(tasks)]


SHAPES = {
    "paused": paused,
    "queue": queue,
    "keys": keys,
    "chain": chain,
    "fan": fan,
    "layered": layered,
    "commands": commands,
}


class Jobrunner:
    """On a file, or on PostgreSQL."""

    def install(self, url: str) -> None:
        """Make the tables."""
        TaskQueue(located(url)).upgrade()

    def fill(self, url: str, payloads: Sequence[str], shape: str) -> float:
        """Enqueue in one transaction; a filling of many times that in several."""
        queue = opened(url)
        if shape:
            return protocol.timed(lambda: queue.enqueue_ids(SHAPES[shape](payloads)))
        if len(payloads) <= 2 * ONCE:
            tasks = [new(one) for one in payloads]
            return protocol.timed(lambda: queue.enqueue_ids(tasks))
        parts = range(0, len(payloads), ONCE)
        seconds = 0.0
        for at in parts:
            tasks = [new(one) for one in payloads[at : at + ONCE]]
            seconds += protocol.timed(lambda tasks=tasks: queue.enqueue_ids(tasks))
        return seconds

    def single(self, url: str, each: protocol.Each) -> object:
        """Enqueue by the handle of the function."""
        opened(url)
        return each(perform.enqueue)

    def work(self, url: str, started: Callable[[], None]) -> None:
        """Run a worker."""
        worker = Worker(opened(url), concurrency=SLOTS, executor=EXECUTOR)
        calm()  # as `jobrunner work` does
        started()
        worker.run()


CONTESTANT = Jobrunner()
