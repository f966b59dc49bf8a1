"""One who follows the changes: what is not yet sent to them, and the stream that sends it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final

from jobrunner.core.insight import Cursor
from jobrunner.web.update import Update

HEARTBEAT: Final = 15.0
"""Seconds of silence after which a line that says nothing shows that the stream lives."""

LONGEST: Final = 600.0
"""Seconds after which a stream ends and is asked for again: by then a token may be gone."""

ROOM: Final = 4
"""Updates that wait to be sent; with more, only the newest is told."""

BEGIN: Final = b"retry: 1000\n\n"
SILENCE: Final = b": nothing new\n\n"


class Tab:
    """A page that listens. What is sent belongs to the thread of the event loop."""

    def __init__(self, since: Cursor | None, who: str = "") -> None:
        """`since` is how far it was told before; `who` has opened it."""
        self.since = since
        self.who = who
        self.is_known = False
        """Whether the feed has seen it: what it is told first is its own."""
        self._waiting: deque[bytes] = deque()
        self._filled = asyncio.Event()
        self._is_over = False

    def put(self, update: Update) -> None:
        """Tell it, when it is ready for it."""
        if len(self._waiting) < ROOM:
            self._waiting.append(update.event)
        else:
            self._waiting.clear()
            self._waiting.append(update.cut_event)
        self._filled.set()

    def end(self) -> None:
        """Send what waits, and then nothing more."""
        self._is_over = True
        self._filled.set()

    async def sending(self, *, heartbeat: float = HEARTBEAT) -> AsyncIterator[bytes]:
        """What is sent, until it has ended."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LONGEST
        yield BEGIN
        while loop.time() < deadline:
            try:
                async with asyncio.timeout(heartbeat):
                    await self._filled.wait()
            except TimeoutError:
                yield SILENCE
                continue
            self._filled.clear()
            while self._waiting:
                yield self._waiting.popleft()
            if self._is_over:
                return


def is_full(tabs: Sequence[Tab], who: str, most: int) -> bool:
    """Whether there may be no more, in all or of one identity: half of them are for others."""
    return len(tabs) >= most or sum(tab.who == who for tab in tabs) >= most / 2
