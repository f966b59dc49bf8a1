"""The user's own check: a program that says whether a task's effect is there once."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jobrunner.core.task import Task

CHECK_AT_MOST: Final = 60.0
"""Seconds that one check may take."""


@dataclass(frozen=True, slots=True)
class Check:
    """A program that says by its exit code whether a task's effect is there once.

    `as_object` makes of a task what the program finds in JOBRUNNER_TASK, as JSON.
    """

    argv: Sequence[str]
    as_object: Callable[[Task[Any]], Mapping[str, Any]]

    def complaint(self, task: Task[Any], attempts: int, location: str) -> str | None:
        """The last line that the program printed, `None` if it is content."""
        environment = {
            **os.environ,  # noqa: TID251 — the check sees what its caller sees
            "JOBRUNNER_DB": location,
            "JOBRUNNER_TASK_ID": str(task.id),
            "JOBRUNNER_ATTEMPTS": str(attempts),
            "JOBRUNNER_TASK": json.dumps(self.as_object(task)),
        }
        try:
            ran = subprocess.run(  # noqa: S603 — running what the user named is the purpose
                self.argv,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=CHECK_AT_MOST,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"the check took longer than {CHECK_AT_MOST:g} s"
        except OSError as error:
            return f"the check cannot be run: {error.strerror}"
        if ran.returncode == 0:
            return None
        said = ran.stdout.decode(errors="replace").strip().splitlines()
        return said[-1][:200] if said else f"exit code {ran.returncode}"
