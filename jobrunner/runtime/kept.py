"""What one attempt is writing: the beginning and the end of each stream, whatever its length."""

from io import StringIO
from typing import Final

from jobrunner.core.outcome import Output
from jobrunner.core.written import KEEP, Stream, clean, joined

ROUNDS: Final = 2
"""Looks at what an attempt writes before that is stored, and again until what came since is."""


class Kept:
    """Both ends of a stream."""

    __slots__ = ("_end", "_head")

    def __init__(self) -> None:
        """Nothing was written yet."""
        self._head = StringIO()
        self._end = 0, StringIO()  # how much was left out before it, and the end so far

    def add(self, text: str) -> None:
        """Take what was written."""
        room = KEEP - self._head.tell()
        if room > 0:
            self._head.write(text[:room])
            text = text[room:]
        if not text:
            return
        left_out, end = self._end
        end.write(text)
        if end.tell() > 2 * KEEP:
            late, fresh = end.getvalue(), StringIO()
            fresh.write(late[-KEEP:])
            self._end = left_out + len(late) - KEEP, fresh

    @property
    def total(self) -> int:
        """How many characters were written."""
        left_out, end = self._end
        return self._head.tell() + left_out + end.tell()

    def text(self) -> str:
        """What is kept."""
        left_out, end = self._end  # before the head, which is full when there is more
        late = end.getvalue()
        return joined(self._head.getvalue(), late[-KEEP:], left_out + max(0, len(late) - KEEP))


class Writing:
    """What an attempt is writing, from any of its threads.

    Without a lock: a thread that is raised into while it holds one would keep it. Where two write
    at the same moment, what both wrote in the middle of a very long text may be miscounted.
    """

    __slots__ = ("_kept", "_stored", "is_live", "rounds")

    def __init__(self) -> None:
        """Nothing was written yet."""
        self._kept = {Stream.STDOUT: Kept(), Stream.STDERR: Kept()}
        self.rounds = 0
        self._stored = 0
        self.is_live = False
        """Whether it was stored before the attempt has ended, or is to be by now."""

    def add(self, stream: Stream, text: str) -> None:
        """Take what was written to a stream."""
        self._kept[stream].add(clean(text))

    @property
    def total(self) -> int:
        """How many characters were written."""
        return sum(kept.total for kept in self._kept.values())

    def texts(self) -> tuple[str, str]:
        """What is kept of stdout and of stderr."""
        return self._kept[Stream.STDOUT].text(), self._kept[Stream.STDERR].text()

    def is_due(self) -> bool:
        """Whether there is something to store, asked once a round.

        What ends soon is never stored on its own.
        """
        self.rounds += 1
        return self.rounds >= ROUNDS and self.total != self._stored

    def stored(self, total: int) -> None:
        """So many characters are taken care of."""
        self._stored, self.rounds = total, 0

    def output(self, output: Output | None) -> Output:
        """All of it at the attempt's end, beside what else that has left behind."""
        stdout, stderr = self.texts()
        exit_code = output.exit_code if output else None
        return Output(exit_code, stdout, stderr, is_live=self.is_live)
