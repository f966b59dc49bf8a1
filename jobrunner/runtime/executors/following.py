"""Read what a process writes until it has ended: both ends kept of what is long."""

import contextlib
import os
import select
import subprocess
from typing import Final

NOT_STARTED: Final = 127
"""The shell's exit code for a command that could not be started."""

POLL: Final = 0.05

KEEP: Final = 64 * 1024
"""Bytes kept of the beginning, and again of the end, of each of stdout and stderr."""


_READ_AT_ONCE: Final = 16
"""Blocks of `KEEP` bytes read in one go, a pipe's largest fill: a process that was left in the
background may write faster than anybody reads."""


class _Kept:
    """The beginning and the end of a stream, whatever its length."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    def add(self, data: bytes) -> None:
        room = KEEP - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * KEEP:
            self._dropped += len(self._tail) - KEEP
            del self._tail[:-KEEP]

    def text(self) -> str:
        dropped = self._dropped + max(0, len(self._tail) - KEEP)
        parts = [bytes(self._head)]
        if dropped:
            parts.append(f"\n… {dropped:,} bytes left out …\n".encode())
        parts.append(bytes(self._tail[-KEEP:]))
        return b"".join(parts).decode(errors="replace").replace("\0", "\N{SYMBOL FOR NULL}")


def follow(process: "subprocess.Popen[bytes]") -> tuple[int, str, str]:
    """Read both streams until the process has ended.

    A process that it left in the background may hold the streams open: what it writes later
    is not waited for.
    """
    stdout, stderr = _Kept(), _Kept()
    with process:
        streams = {
            stream.fileno(): kept
            for stream, kept in ((process.stdout, stdout), (process.stderr, stderr))
            if stream
        }
        poller, still_open = select.poll(), set(streams)
        for descriptor in streams:
            os.set_blocking(descriptor, False)
            poller.register(descriptor, select.POLLIN)
        while still_open and process.poll() is None:
            for descriptor, _ in poller.poll(POLL * 1e3):
                if _read(descriptor, streams[descriptor]):
                    poller.unregister(descriptor)
                    still_open.remove(descriptor)
        process.wait()
        for descriptor in still_open:
            _read(descriptor, streams[descriptor])
    return process.returncode, stdout.text(), stderr.text()


def _read(descriptor: int, kept: _Kept) -> bool:
    """Take what there is to read now; `True` at the stream's end."""
    with contextlib.suppress(BlockingIOError):
        for _ in range(_READ_AT_ONCE):
            if not (data := os.read(descriptor, KEEP)):
                return True
            kept.add(data)
    return False
