"""What a part of a queue needs of the queue that it belongs to."""

from typing import Protocol

from jobrunner.runtime.clock import Clock
from jobrunner.storage.store import Store


class Home(Protocol):
    """The queue: it may get another clock, or live elsewhere for a while."""

    store: Store
    clock: Clock
