"""An ear at a server, and the calls of a watch, counted and waited for."""

import queue as queues

import pytest

LONG = 60.0
QUIET = 0.5
"""Seconds after which a watch is taken to have made its second look, `listen.AGAIN` after the
first: on a busy machine its thread is late."""
CHANNELS = ("work", "ends")


class Ear:
    """A session of its own that hears what is told."""

    def __init__(self, connection, channels="jobrunner"):
        self._connection = connection
        for topic in CHANNELS:
            connection.execute(f'LISTEN "{channels}_{topic}"')
        connection.execute("LISTEN so_far")

    def heard(self):
        """All that was told since it was last asked; sessions are heard in the order of commits."""
        self._connection.execute("NOTIFY so_far")
        found = []
        for notice in self._connection.notifies(timeout=LONG):
            if notice.channel == "so_far":
                return found
            found.append((notice.channel.rpartition("_")[2], notice.payload))
        pytest.fail("a server tells who told himself")


class Calls:
    """Counts how often a watch calls, and waits for it."""

    def __init__(self, watch):
        self.watch = watch
        self._calls = queues.Queue()
        watch.call(lambda: self._calls.put(1))

    def settled(self):
        """It listens from now on, and has looked again for what it could have missed."""
        assert self.wait() > 0
        while self.wait(QUIET):
            pass
        return self

    def wait(self, seconds=LONG):
        """1 if it was called within so many seconds."""
        try:
            return self._calls.get(timeout=seconds)
        except queues.Empty:
            return 0
