"""Wake the idle workers of a file at once: who has committed touches a file that they watch.

Not the database itself, nor its log: a touch after the commit comes when there is something to
see and it is nobody's turn to write any more. Where the kernel has no inotify, or somebody commits
without a touch, workers find it by looking (see `watch`).
"""

import contextlib
import ctypes
import os
from pathlib import Path
from typing import Any, Final

from jobrunner.storage.sqlite import open_private

_ATTRIB: Final = 0x4
"""IN_ATTRIB of inotify(7): the file's times were set."""


def ring(path: Path) -> None:
    """Wake who listens; what fails is left out."""
    with contextlib.suppress(OSError):
        os.utime(path)


def listen(path: Path) -> int | None:
    """A descriptor that can be read from when it has rung; `None` where the kernel has none.

    Raises:
        DatabaseError: the file cannot be made.
    """
    os.close(open_private(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW))
    libc: Any = ctypes.CDLL(None)
    if not hasattr(libc, "inotify_init1"):
        return None
    descriptor: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:  # a user may have 128 of them by default
        return None
    if libc.inotify_add_watch(descriptor, os.fsencode(path), _ATTRIB) < 0:
        os.close(descriptor)
        return None
    return descriptor
