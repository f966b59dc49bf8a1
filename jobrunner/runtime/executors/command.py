"""Run commands: argv lists without a shell, each in a process group of its own."""

import contextlib
import errno
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from typing import Any, Final

from jobrunner.core import extras, payload
from jobrunner.core.outcome import Completed, Failed, Outcome, Output
from jobrunner.core.results import RESULT
from jobrunner.core.signals import StopReason
from jobrunner.core.written import KEEP, Stream
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.executors.following import POLL, follow
from jobrunner.runtime.executors.handed import results_file, text_result
from jobrunner.runtime.guard import Guard
from jobrunner.runtime.recall import Fresh, before
from jobrunner.runtime.usage import MeasuredProcess
from jobrunner.storage import telemetry
from jobrunner.storage.engine import Database

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
                pause.wait(POLL)

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
        with telemetry.running(attempt.lease, argv[0]) as span:
            ended = self._run_words(attempt, control, argv)
            telemetry.note(span, ended[0])
            return ended

    def _run_words(
        self, attempt: Attempt, control: GroupControl, argv: list[str]
    ) -> tuple[Outcome, Output]:
        options = extras.decode(attempt.lease.extras)
        self._guard.prepare()
        with contextlib.ExitStack() as until_ended:
            try:
                results = until_ended.enter_context(results_file(options))
                traced = telemetry.variables(attempt.lease)
                environment = {**traced, **_environment(options), **results}
                process = self._start(attempt, argv, environment)
            except OSError as error:
                return _not_started(attempt, argv, error)
            return self._see_through(attempt, process, control, as_text=RESULT in options)

    def _see_through(
        self,
        attempt: Attempt,
        process: MeasuredProcess,
        control: GroupControl,
        *,
        as_text: bool,
    ) -> tuple[Outcome, Output]:
        self._guard.add(process.pid)
        control.attach(process.pid)
        exit_code = follow(process, attempt.write)
        if attempt.forced:
            control.wait_until_gone()
        self._guard.remove(process.pid)
        attempt.usage = process.usage
        stdout, stderr = attempt.written.texts() if attempt.written else ("", "")
        outcome = _outcome(attempt, exit_code, stderr)
        if as_text and isinstance(outcome, Completed):
            outcome = text_result(stdout, most=2 * KEEP)
        return outcome, Output(exit_code)

    def _start(
        self, attempt: Attempt, argv: list[str], environment: Mapping[bytes, bytes]
    ) -> MeasuredProcess:
        lease = attempt.lease
        return MeasuredProcess(
            argv,
            cwd=lease.cwd,
            env={
                **os.environb,  # a command sees what its worker sees
                b"JOBRUNNER_TASK_ID": b"%d" % lease.task_id,
                b"JOBRUNNER_ATTEMPT": b"%d" % lease.attempt,
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )


def _environment(options: Mapping[str, Any]) -> dict[bytes, bytes]:
    """What else a task puts into the environment of its command."""
    given: dict[str, str] = options.get("environment", {})
    return {os.fsencode(name): os.fsencode(value) for name, value in given.items()}


def _outcome(attempt: Attempt, exit_code: int, stderr: str) -> Outcome:
    if exit_code == 0:
        return Completed("0")
    if attempt.forced:
        return attempt.stopped()
    error = exit_text(exit_code)
    last = stderr.strip().splitlines()[-1:]
    return Failed(": ".join([error, *last])[:500])


def exit_text(exit_code: int) -> str:
    """An exit code in words: negative ones are signals."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return f"killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"killed by signal {-exit_code}"


def _not_started(attempt: Attempt, argv: list[str], error: OSError) -> tuple[Outcome, Output]:
    # Popen names the folder as the file at fault where it is the folder that is missing.
    problem = f"cannot start {argv[0]!r}: {error.strerror}"
    if error.filename:
        problem += f" ({error.filename})"
    retryable = error.errno in _PASSING
    attempt.write(Stream.STDERR, problem)
    return Failed(problem, retryable=retryable), Output(NOT_STARTED)
