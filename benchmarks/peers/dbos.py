"""DBOS on SQLite: a workflow on a queue of its own, everything as it comes."""

import os
import time
from collections.abc import Callable, Sequence

from dbos import DBOS

from benchmarks.peers import protocol

QUEUE = "bench"


@DBOS.workflow()
def perform(payload: str) -> str:
    """The task as a workflow without steps."""
    return protocol.perform(payload)


def launch(url: str) -> None:
    """Start it under a name of its own: two of one name take each other's work as their own."""
    DBOS(
        config={
            "name": "bench",
            "system_database_url": f"sqlite:///{url}/queue.db",
            "executor_id": f"process-{os.getpid()}",
            "log_level": "CRITICAL",
        }
    )


class Dbos:
    """Its guide: register a queue, enqueue workflows."""

    def install(self, url: str) -> None:
        """Make the tables."""
        launch(url)
        DBOS.listen_queues([])
        DBOS.launch()
        DBOS.register_queue(QUEUE)
        DBOS.destroy()

    def fill(self, url: str, payloads: Sequence[str], _shape: str) -> float:
        """One by one: it has no other call."""
        launch(url)
        DBOS.listen_queues([])
        DBOS.launch()
        took = protocol.timed(
            lambda: [DBOS.enqueue_workflow(QUEUE, perform, one) for one in payloads]
        )
        DBOS.destroy()
        return took

    def single(self, url: str, each: protocol.Each) -> object:
        """Enqueue a workflow."""
        launch(url)
        DBOS.listen_queues([])
        DBOS.launch()
        rate = each(lambda payload: DBOS.enqueue_workflow(QUEUE, perform, payload))
        DBOS.destroy()
        return rate

    def work(self, url: str, started: Callable[[], None]) -> None:
        """Launch; it listens to the queue at once, and cannot be held back."""
        launch(url)
        started()
        DBOS.launch()
        while True:
            time.sleep(60)


CONTESTANT = Dbos()
