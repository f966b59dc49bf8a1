"""RQ: its worker as it comes forks for each job, its SimpleWorker does not."""

import os
from collections.abc import Callable, Sequence

import redis
import rq

from benchmarks.peers import protocol

WORKER = {"fork": rq.Worker, "simple": rq.SimpleWorker}[os.environ.get("PEER_WORKER", "fork")]
ONCE = 1_000


def opened(url: str) -> rq.Queue:
    """The queue."""
    return rq.Queue(connection=redis.Redis.from_url(url))


class Rq:
    """Its guide: `enqueue`, `enqueue_many`, `rq worker`."""

    def install(self, url: str) -> None:
        """There is nothing to make."""

    def fill(self, url: str, payloads: Sequence[str], _shape: str) -> float:
        """Enqueue lists."""
        queue = opened(url)

        def enqueue() -> None:
            for at in range(0, len(payloads), ONCE):
                part = payloads[at : at + ONCE]
                queue.enqueue_many(
                    [rq.Queue.prepare_data(protocol.perform, (one,)) for one in part]
                )

        return protocol.timed(enqueue)

    def single(self, url: str, each: protocol.Each) -> object:
        """Enqueue a call."""
        queue = opened(url)
        return each(lambda payload: queue.enqueue(protocol.perform, payload))

    def work(self, url: str, started: Callable[[], None]) -> None:
        """Run a worker."""
        queue = opened(url)
        worker = WORKER([queue], connection=queue.connection)
        started()
        worker.work(logging_level="CRITICAL")


CONTESTANT = Rq()
