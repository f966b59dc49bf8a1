"""Wake who waits, across connections: what a commit has to tell, and its sending by NOTIFY.

A transaction says what it leads to, and the database tells it afterwards, outside of it:
PostgreSQL lets transactions that notify commit one after the other only. A sender that has told
the same within 50 ms leaves it out, and whoever is woken looks again a little later (see
`listen`): so nothing is missed, and a busy queue costs twenty notifications a second.
"""

import threading
import time
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection

GAP: Final = 0.05
"""Seconds between two notifications of the same, from one process."""

TOLD_APART: Final = 20
"""Queues of one transaction; of more it is said that there is work in any."""

WORK: Final = "work"
ENDS: Final = "ends"
ANY: Final = ""

_NEWS: Final = "jobrunner_news"

News = tuple[str, str]
"""A topic and, for work, the queue that has some; an empty one stands for any."""


def work(transaction: Connection, queues: Iterable[str] = (ANY,)) -> None:
    """Say that there is something to claim, once the transaction has committed."""
    news: set[News] = transaction.info.setdefault(_NEWS, set())
    news.update((WORK, queue) for queue in queues)


def ends(transaction: Connection) -> None:
    """Say that tasks have ended, once the transaction has committed."""
    transaction.info.setdefault(_NEWS, set()).add((ENDS, ANY))


def taken(transaction: Connection) -> set[News]:
    """What there is to tell of a connection's transaction; told once."""
    found: set[News] = transaction.info.pop(_NEWS, set())
    return found


def lead_to_work(transaction: Connection) -> bool:
    """Whether there is something to claim after a connection's transaction; told once."""
    return any(topic == WORK for topic, _ in taken(transaction))


class Notifier:
    """Sends notifications, the same one at most every 50 ms."""

    def __init__(self, channels: str) -> None:
        """`channels` is what their names begin with."""
        self._channels = channels
        self._told: dict[News, float] = {}
        self._lock = threading.Lock()

    def tell(self, driver: Any, news: set[News]) -> None:
        """Send, on a driver's connection outside any transaction; what fails is left out."""
        due = self._due(news if len(news) <= TOLD_APART else {(topic, ANY) for topic, _ in news})
        if not due:
            return
        calls = ", ".join(["pg_notify(%s, %s)"] * len(due))
        values = [word for topic, queue in due for word in (f"{self._channels}_{topic}", queue)]
        driver.autocommit = True
        try:
            driver.execute(f"SELECT {calls}", values)
        finally:
            if not driver.closed:
                driver.autocommit = False

    def _due(self, news: set[News]) -> list[News]:
        now = time.monotonic()
        with self._lock:
            self._told = {one: at for one, at in self._told.items() if now - at < GAP}
            due = [one for one in news if one not in self._told]
            self._told.update(dict.fromkeys(due, now))
        return due
