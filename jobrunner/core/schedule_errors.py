"""What can be wrong with a schedule, or with its name."""

from collections.abc import Sequence
from difflib import get_close_matches

from jobrunner.core.errors import JobrunnerError


class InvalidScheduleError(JobrunnerError):
    """What was given cannot become a schedule."""

    def __init__(self, problem: str, *, hint: str = "") -> None:
        """`problem` is a whole sentence without its full stop."""
        super().__init__(problem)
        self.hint = hint


class ScheduleNotFoundError(JobrunnerError):
    """No schedule has that name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        """`known` are the names that there are."""
        super().__init__(f"there is no schedule {name!r}")
        self.name = name
        close = get_close_matches(name, known, n=1)
        self.hint = (
            f"Did you mean {close[0]!r}?"
            if close
            else "List what there is with `jobrunner schedule list`."
        )
