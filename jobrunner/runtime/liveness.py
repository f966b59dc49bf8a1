"""A worker's life as an OS lock: the kernel drops it the moment the process dies."""

import contextlib
import fcntl
import os
from collections.abc import Container
from pathlib import Path
from typing import Final

from jobrunner.core.task import WorkerId

_own: Final[set[WorkerId]] = set()
"""Workers of this process. Their files are never probed: closing any descriptor of a file
drops all of the process's locks on it (POSIX)."""


class Liveness:
    """The folder of lock files beside one database, shared by all workers of this boot."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made at the first `hold`, for its owner only."""
        self._folder = folder
        self._descriptors: dict[WorkerId, int] = {}
        self._free: set[WorkerId] = set()

    def hold(self, worker_id: WorkerId) -> None:
        """Take the lock of a new worker; it stays until `release` or the process's death."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        # Before there is a file to be found: another worker of this process would probe it
        # (guarded by test_a_sweep_of_the_same_process_leaves_a_new_lock_where_it_is).
        _own.add(worker_id)
        try:
            self._descriptors[worker_id] = self._lock(worker_id)
        except BaseException:
            _own.discard(worker_id)
            raise

    def _lock(self, worker_id: WorkerId) -> int:
        """The descriptor of the worker's new file, locked."""
        flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        while True:
            descriptor = os.open(self._path(worker_id), flags, 0o600)
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:  # somebody looks whether it is free: he may have that one
                self.forget(worker_id)
                os.close(descriptor)
        return descriptor

    def release(self, worker_id: WorkerId, *, as_dead: bool = False) -> None:
        """Let go of the lock and remove its file.

        `as_dead` leaves the file: the others see by it that the worker has ended, where its
        row could not be told.
        """
        descriptor = self._descriptors.pop(worker_id, None)
        if descriptor is not None:
            if not as_dead:
                self.forget(worker_id)
            os.close(descriptor)
            _own.discard(worker_id)

    def is_dead(self, worker_id: WorkerId) -> bool:
        """Whether the worker's process has certainly ended.

        `False` is no proof of life: the file may be missing, or the process be frozen.
        """
        if worker_id in _own:
            return False
        try:
            descriptor = os.open(self._path(worker_id), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        else:
            return True
        finally:
            os.close(descriptor)

    def held(self) -> list[WorkerId]:
        """Workers that are alive: their locks are held. Needs no database."""
        if not self._folder.is_dir():
            return []
        found = sorted(WorkerId(path.name) for path in self._folder.iterdir())
        return [worker_id for worker_id in found if not self.is_dead(worker_id)]

    def dead(self) -> set[WorkerId]:
        """Workers that have certainly ended, and whose files are still there. Needs no database."""
        return {worker_id for worker_id in self._found() if self.is_dead(worker_id)}

    def prune(self, living: Container[WorkerId]) -> int:
        """Remove files that nobody holds and no living worker's row names; returns how many.

        Only what was free at the last call too: a worker that is just making its file holds it
        a moment later.
        """
        free = {name for name in self.dead() if name not in living}
        gone, self._free = free & self._free, free - self._free
        for worker_id in gone:
            self.forget(worker_id)
        return len(gone)

    def _found(self) -> set[WorkerId]:
        with contextlib.suppress(OSError):
            return {WorkerId(path.name) for path in self._folder.iterdir()}
        return set()

    def forget(self, worker_id: WorkerId) -> None:
        """Remove the file of a worker that is gone."""
        with contextlib.suppress(OSError):
            self._path(worker_id).unlink()

    def _path(self, worker_id: WorkerId) -> Path:
        return self._folder / worker_id
