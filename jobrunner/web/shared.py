"""Answers that are made once for all tabs, and kept for a moment."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")

SECONDS: Final = 1.0
"""How long an answer is kept."""

REST: Final = 10
"""What takes long to make is kept so many times as long as that took."""

REMEMBERED: Final = 100
"""Answers that are kept; those that were asked for longest ago go."""


def _always(_value: object) -> bool:
    return True


class _Entry:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.until = float("-inf")
        self.value: Any = None
        self.is_made = False


class Shared:
    """Safe in any number of threads; while one makes an answer, the others get the one before."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """`monotonic` is a steady count of seconds."""
        self._monotonic = monotonic
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self, key: Hashable, make: Callable[[], T], *, is_whole: Callable[[T], bool] = _always
    ) -> T:
        """The answer, a second old at most unless it costs much; kept only if it `is_whole`."""
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            if len(self._entries) > REMEMBERED:
                self._entries.popitem(last=False)
        if self._monotonic() < entry.until:
            return cast("T", entry.value)
        if not entry.lock.acquire(blocking=not entry.is_made):
            return cast("T", entry.value)
        try:
            began = self._monotonic()
            if began >= entry.until:  # nobody has made it meanwhile
                entry.value = make()
                entry.is_made = True
                now = self._monotonic()
                if is_whole(entry.value):
                    entry.until = now + max(SECONDS, REST * (now - began))
        finally:
            entry.lock.release()
        return cast("T", entry.value)

    def forget(self) -> None:
        """Make all of them anew: something was changed here."""
        with self._lock:
            self._entries.clear()
