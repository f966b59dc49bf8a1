"""What passes between tasks through their attempts: results of parents, text of a command."""

import contextlib
import os
import tempfile
from collections.abc import Generator, Mapping
from typing import Any, Final

from jobrunner.core import extras, payload
from jobrunner.core.outcome import Completed, Failed, Outcome
from jobrunner.core.results import FILE, GONE
from jobrunner.core.task import Lease

NAME: Final = b"JOBRUNNER_RESULTS"
"""The variable that names the file with the results of a command's parents."""


def refusal(lease: Lease) -> Failed | None:
    """Why this attempt cannot begin, if results that it was to be given are gone."""
    if lease.extras is None or not (gone := extras.decode(lease.extras).get(GONE)):
        return None
    problem = f"the result of task {gone[0]}, which it is to be given, was deleted"
    return Failed(problem, retryable=False)


@contextlib.contextmanager
def results_file(options: Mapping[str, Any]) -> Generator[dict[bytes, bytes]]:
    """The environment that names a file with the results, which only its owner may read.

    Raises:
        OSError: it cannot be written.
    """
    if FILE not in options:
        yield {}
        return
    with tempfile.NamedTemporaryFile(prefix="jobrunner-", suffix=".json") as file:
        file.write(options[FILE].encode())
        file.flush()
        yield {NAME: os.fsencode(file.name)}


def text_result(stdout: str, *, most: int) -> Outcome:
    """What a command wrote, as its result: without the line's end, as a shell would take it."""
    text = stdout.rstrip("\n")
    if len(stdout.encode()) > most:
        return Failed(f"its stdout is no result: over {most:,} bytes", retryable=False)
    return Completed(payload.encode(text, what="result"))
