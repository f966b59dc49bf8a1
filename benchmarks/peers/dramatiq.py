"""Dramatiq on Redis with eight threads, which is its default."""

import time
from collections.abc import Callable, Sequence

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.peers import protocol


def opened(url: str) -> dramatiq.Actor:
    """The actor with its broker."""
    broker = RedisBroker(url=url)
    dramatiq.set_broker(broker)

    def perform(payload: str) -> None:
        protocol.perform(payload)  # what it returns is not wanted here

    return dramatiq.actor(perform, broker=broker)


class Dramatiq:
    """Its guide: `send`, and a worker with threads."""

    def install(self, url: str) -> None:
        """There is nothing to make."""

    def fill(self, url: str, payloads: Sequence[str], _shape: str) -> float:
        """One by one: it has no other call."""
        perform = opened(url)
        return protocol.timed(lambda: [perform.send(one) for one in payloads])

    def single(self, url: str, each: protocol.Each) -> object:
        """Send."""
        return each(opened(url).send)

    def work(self, url: str, started: Callable[[], None]) -> None:
        """Run a worker in this process, as its command line does in each of its own."""
        perform = opened(url)
        worker = dramatiq.Worker(perform.broker, worker_threads=8)
        started()
        worker.start()
        while True:
            time.sleep(60)


CONTESTANT = Dramatiq()
