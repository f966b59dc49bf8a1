"""Read what a process writes, as it writes it, until it has ended."""

import codecs
import contextlib
import os
import select
import subprocess
from collections.abc import Callable
from typing import IO, Final

from jobrunner.core.written import Stream

Write = Callable[[Stream, str], None]
"""Takes what was written to a stream."""

POLL: Final = 0.05

_BLOCK: Final = 64 * 1024
_READ_AT_ONCE: Final = 16
"""Blocks read in one go, a pipe's largest fill: a process that was left in the background may write
faster than anybody reads."""


class _Pipe:
    """One end of a pipe; what comes out of it is text, whatever the process makes of that."""

    def __init__(self, pipe: IO[bytes], stream: Stream, write: Write) -> None:
        self.descriptor = pipe.fileno()
        os.set_blocking(self.descriptor, False)
        self._stream = stream
        self._write = write
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self) -> bool:
        """Take what there is to read now; `True` at the stream's end."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(_READ_AT_ONCE):
                if not (data := os.read(self.descriptor, _BLOCK)):
                    return True
                self._take(self._decoder.decode(data))
        return False

    def end(self) -> None:
        """Nothing more is read, not even the rest of a character."""
        self._take(self._decoder.decode(b"", final=True))

    def _take(self, text: str) -> None:
        if text:
            self._write(self._stream, text)


def follow(process: "subprocess.Popen[bytes]", write: Write) -> int:
    """Read both streams until the process has ended; its exit code.

    A process that it left in the background may hold the streams open: what it writes later
    is not waited for.
    """
    with process:
        streams = ((process.stdout, Stream.STDOUT), (process.stderr, Stream.STDERR))
        pipes = [_Pipe(pipe, stream, write) for pipe, stream in streams if pipe]
        poller, still_open = select.poll(), {pipe.descriptor: pipe for pipe in pipes}
        for descriptor in still_open:
            poller.register(descriptor, select.POLLIN)
        while still_open and process.poll() is None:
            for descriptor, _ in poller.poll(POLL * 1e3):
                if still_open[descriptor].read():
                    poller.unregister(descriptor)
                    del still_open[descriptor]
        process.wait()
        for pipe in still_open.values():
            pipe.read()
        for pipe in pipes:
            pipe.end()
    return process.returncode
