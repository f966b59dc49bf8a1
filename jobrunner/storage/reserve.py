"""Room kept back on the disk, so that what runs can be recorded when all other room is gone."""

import contextlib
import errno
import os
import time
from pathlib import Path
from typing import Final

from jobrunner.core.errors import DatabaseError, DiskFullError
from jobrunner.storage import sqlite

LARGEST: Final = 4 * 1024 * 1024
NEXT_TO_NOTHING: Final = 64 * 1024
"""Bytes: SQLite takes 32 KiB at once for the index of its WAL."""

AMPLE: Final = 1 << 30
SOON: Final = 0.05
"""Seconds in which so many free bytes are not used up: no new look at the disk is taken."""

SHARE: Final = 16
"""The reserve is a sixteenth of a small disk, and 4 MiB of a large one."""


_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT}


class Reserve:
    """A file beside the database that only holds its place.

    New tasks are refused while as much again is not free, so they cannot use it up. A worker
    whose disk is full gives the file up, records what it has in hand, and claims nothing until
    there is room for it again.
    """

    def __init__(self, database: Path | None) -> None:
        """Of a server, `None`, nothing is known here: it sees to its own disk."""
        self._folder = database.parent if database else None
        self._path = f"{database}.reserve" if database else ""
        self._log = f"{database}-wal"
        self._ample_until = 0.0

    def is_kept(self) -> bool:
        """Whether the room is there."""
        return not self._path or self._size_kept() > 0

    def keep(self) -> bool:
        """Take the room if it can be had; whether it is there."""
        if not self._path or self.is_kept():
            return True
        size, free = self._measure()
        if free < size + size // 4:  # less than makes new tasks refused: those in wait go on
            return False
        try:
            self._fill(Path(self._path), size)
        except (DatabaseError, OSError):
            self.spend()
        return self.is_kept()

    def spend_on(self, error: DatabaseError) -> bool:
        """Give the room up if `error` comes of a full disk; whether it does: then try again.

        Another one may have given it up since the error: that room is as good.
        """
        if not (isinstance(error, DiskFullError) or self.is_needed()):
            return False
        self.spend()
        return True

    def spend(self) -> None:
        """Give the room up, to whoever writes next."""
        if self._path:
            with contextlib.suppress(OSError):
                Path(self._path).unlink()

    def is_needed(self) -> bool:
        """Whether the disk is full, whatever else the database says is wrong."""
        if not self._path:
            return False
        _, free = self._measure()
        return free < NEXT_TO_NOTHING

    def refuse_when_low(self) -> None:
        """Make sure that new tasks leave enough room for their own completion.

        Raises:
            DiskFullError: there is too little; nothing was stored.
        """
        if not self._path or time.monotonic() < self._ample_until:
            return
        size, free = self._measure()
        self._ample_until = time.monotonic() + SOON if free > AMPLE else 0.0
        # What stands in the log is still to be copied into the database; of a log that was once
        # long, only its beginning.
        if free + self._size_kept() < 2 * size + min(sqlite.size(self._log), 2 * LARGEST):
            raise DiskFullError(
                f"the disk of {self._folder} is almost full ({free >> 10} KiB free):"
                " no new task is taken",
                hint="Free some space, then try again; what is stored is safe and goes on.",
            )

    def _size_kept(self) -> int:
        return sqlite.size(self._path)

    def _measure(self) -> tuple[int, int]:
        """How large the reserve is to be, and how much is free, in bytes."""
        found = None
        with contextlib.suppress(OSError):  # its folder is gone, perhaps for a moment only
            found = os.statvfs(self._folder or "/")
        if found is None or found.f_blocks == 0:  # not told: what cannot be written will
            return LARGEST, 3 * LARGEST
        size = min(LARGEST, found.f_blocks * found.f_frsize // SHARE)
        return size, found.f_bavail * found.f_frsize

    @staticmethod
    def _fill(path: Path, size: int) -> None:
        descriptor = sqlite.open_private(
            path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
        )
        try:
            try:
                os.posix_fallocate(descriptor, 0, size)
            except (AttributeError, OSError) as error:
                if getattr(error, "errno", None) in _NO_ROOM:
                    raise
                os.write(descriptor, bytes(size))  # not every system, or file system, can do it
        finally:
            os.close(descriptor)
