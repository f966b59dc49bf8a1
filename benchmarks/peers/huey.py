"""huey on SQLite: one worker thread, which its guide names as the default."""

import os
from collections.abc import Callable, Sequence

from huey import SqliteHuey

from benchmarks.peers import protocol

FSYNC = os.environ.get("PEER_FSYNC", "1") == "1"


def opened(url: str) -> tuple[SqliteHuey, Callable[[str], object]]:
    """The queue and its task."""
    huey = SqliteHuey(filename=f"{url}/queue.db", fsync=FSYNC)
    return huey, huey.task()(protocol.perform)


class Huey:
    """Tuned in trial runs: 2 and 4 threads are slower than one."""

    def install(self, url: str) -> None:
        """Make the tables."""
        opened(url)

    def fill(self, url: str, payloads: Sequence[str], _shape: str) -> float:
        """One by one: it has no other call."""
        _, perform = opened(url)
        return protocol.timed(lambda: [perform(one) for one in payloads])

    def single(self, url: str, each: protocol.Each) -> object:
        """Call the task."""
        return each(opened(url)[1])

    def work(self, url: str, started: Callable[[], None]) -> None:
        """Run its consumer."""
        huey, _ = opened(url)
        consumer = huey.create_consumer(workers=1)
        started()
        consumer.run()


CONTESTANT = Huey()
