"""Run commands: argv lists without a shell, each in a process group of its own."""

import contextlib
import errno
import os
import select
import signal
import subprocess
import threading
from collections.abc import Mapping
from typing import Final

from jobrunner.core import extras, payload
from jobrunner.core.outcome import Completed, Failed, Outcome, Output
from jobrunner.core.results import RESULT
from jobrunner.core.signals import StopReason
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.executors.handed import results_file, text_result
from jobrunner.runtime.guard import Guard
from jobrunner.runtime.recall import Fresh, before
from jobrunner.storage.engine import Database

KEEP: Final = 64 * 1024
"""Bytes kept of the beginning, and again of the end, of each of stdout and stderr."""

NOT_STARTED: Final = 127
"""The shell's exit code for a command that could not be started."""

_PASSING: Final = {
    errno.EAGAIN,
    errno.ENOMEM,
    errno.EMFILE,
    errno.ENFILE,
    errno.ETXTBSY,
    errno.EIO,
    errno.ENOSPC,
}
"""Why a command cannot be started for now, for want of processes, memory or descriptors."""

_POLL: Final = 0.05

_READ_AT_ONCE: Final = 16
"""Blocks of `KEEP` bytes read in one go, a pipe's largest fill: a process that was left in the
background may write faster than anybody reads."""


class GroupControl:
    """A process group is ended as a whole; what is asked before it is known, as soon as it is."""

    def __init__(self, group: int | None = None) -> None:
        """`group` is the id of the group's leader."""
        self._group = group
        self._missed: signal.Signals | None = None

    def attach(self, group: int) -> None:
        """The group has started."""
        self._group = group
        if self._missed is not None:
            self._send(self._missed)

    def notice(self, reason: StopReason) -> None:
        """Nothing to do: a command may finish."""

    def terminate(self) -> None:
        """SIGTERM to the group."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the group."""
        self._send(signal.SIGKILL)

    def wait_until_gone(self) -> None:
        """Wait for those of a terminated group that outlive their leader; SIGKILL ends the wait."""
        pause = threading.Event()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            while self._group is not None and self._missed is not signal.SIGKILL:
                os.killpg(self._group, 0)
                pause.wait(_POLL)

    def _send(self, number: signal.Signals) -> None:
        self._missed = number
        if self._group is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, number)


class CommandExecutor:
    """Runs commands in slot threads that wait for them."""

    def __init__(self, guard: Guard, database: Database) -> None:
        """`guard` ends what a killed worker leaves behind; results are kept in `database`."""
        self._guard = guard
        self._database = database

    def __call__(self, attempt: Attempt) -> None:
        """Run one command to its end."""
        control = GroupControl()
        if not attempt.begin(control):
            return
        if attempt.lease.extras is None:
            attempt.end(*self._run(attempt, control))
            return
        found = before(attempt.lease, None, self._database, shielded=contextlib.nullcontext)
        if found is not None and not isinstance(found, Fresh):
            attempt.end(found)
            return
        outcome, output = self._run(attempt, control)
        attempt.end(outcome if found is None else found.ended(outcome), output)

    def _run(self, attempt: Attempt, control: GroupControl) -> tuple[Outcome, Output]:
        argv = payload.decode(attempt.lease.command)
        options = extras.decode(attempt.lease.extras)
        self._guard.prepare()
        with contextlib.ExitStack() as until_ended:
            try:
                environment = until_ended.enter_context(results_file(options))
                process = self._start(attempt, argv, environment)
            except OSError as error:
                return _not_started(argv, error)
            return self._see_through(attempt, process, control, as_text=RESULT in options)

    def _see_through(
        self,
        attempt: Attempt,
        process: "subprocess.Popen[bytes]",
        control: GroupControl,
        *,
        as_text: bool,
    ) -> tuple[Outcome, Output]:
        self._guard.add(process.pid)
        control.attach(process.pid)
        exit_code, stdout, stderr = _follow(process)
        if attempt.forced:
            control.wait_until_gone()
        self._guard.remove(process.pid)
        output = Output(exit_code, stdout, stderr)
        outcome = _outcome(attempt, output)
        if as_text and isinstance(outcome, Completed):
            outcome = text_result(stdout, most=2 * KEEP)
        return outcome, output

    def _start(
        self, attempt: Attempt, argv: list[str], environment: Mapping[bytes, bytes]
    ) -> "subprocess.Popen[bytes]":
        lease = attempt.lease
        return subprocess.Popen(  # noqa: S603 — running what was enqueued is the purpose
            argv,
            cwd=lease.cwd,
            env={
                **os.environb,  # a command sees what its worker sees
                b"JOBRUNNER_TASK_ID": b"%d" % lease.task_id,
                b"JOBRUNNER_ATTEMPT": b"%d" % lease.attempt,
                **environment,
                **_environment(lease.extras),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )


def _environment(extras: str | None) -> dict[bytes, bytes]:
    """What else a task puts into the environment of its command."""
    given: dict[str, str] = payload.decode(extras or "{}").get("environment", {})
    return {os.fsencode(name): os.fsencode(value) for name, value in given.items()}


def _outcome(attempt: Attempt, output: Output) -> Outcome:
    if output.exit_code == 0:
        return Completed("0")
    if attempt.forced:
        return attempt.stopped()
    error = exit_text(output.exit_code)
    last = output.stderr.strip().splitlines()[-1:]
    return Failed(": ".join([error, *last])[:500])


def exit_text(exit_code: int) -> str:
    """An exit code in words: negative ones are signals."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return f"killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"killed by signal {-exit_code}"


def _not_started(argv: list[str], error: OSError) -> tuple[Outcome, Output]:
    # Popen names the folder as the file at fault where it is the folder that is missing.
    problem = f"cannot start {argv[0]!r}: {error.strerror}"
    if error.filename:
        problem += f" ({error.filename})"
    retryable = error.errno in _PASSING
    return Failed(problem, retryable=retryable), Output(NOT_STARTED, "", problem)


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


def _follow(process: "subprocess.Popen[bytes]") -> tuple[int, str, str]:
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
            for descriptor, _ in poller.poll(_POLL * 1e3):
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
