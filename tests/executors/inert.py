"""A plug-in that does what a test tells it to."""

import threading

from jobrunner.executors import Plugin
from tests.runtime.support import PATIENCE


class Inert(Plugin):
    """Does what a test tells it to."""

    def __init__(self):
        self.orders = []
        self.cancelled = []
        self.ended = []
        self.size = 1
        self.problem = ""
        self.raises = {}
        """What a method raises the next time that it is called."""

    def start(self, wake):
        self.wake = wake
        self._raise("start")

    def submit(self, order):
        self._raise("submit")
        self.orders.append(order)

    def poll(self):
        while self.ended:
            yield self.ended.pop(0)
            self._raise("poll")

    def cancel(self, order, reason, *, force):
        self.cancelled.append((reason, force))

    def capacity(self):
        if self.problem:
            raise RuntimeError(self.problem)
        return self.size - len(self.orders)

    def close(self):
        raise RuntimeError("it does not close")

    def end(self, outcome):
        self.ended.append((self.orders.pop(0), outcome))
        self.wake()

    def _raise(self, name):
        if error := self.raises.pop(name, None):
            raise error


def soon(condition):
    """Wait for what changes nothing in the database."""
    pause, tries = threading.Event(), 1_000
    while not condition() and tries:
        pause.wait(PATIENCE / 1_000)
        tries -= 1
    assert condition()
