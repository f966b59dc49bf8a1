"""What a function raises to steer its own attempt, and what is raised into it."""

from datetime import datetime, timedelta
from enum import StrEnum


class Snooze(Exception):  # noqa: N818 — a request, not an error
    """Run this task again after `delay`, without spending the attempt."""

    def __init__(self, delay: timedelta | float) -> None:
        """`delay` is a timedelta or seconds."""
        self.delay = delay if isinstance(delay, timedelta) else timedelta(seconds=delay)
        super().__init__(f"snoozed for {self.delay.total_seconds():g} s")


class Retry(Exception):  # noqa: N818 — a request, not an error
    """This attempt has failed; run the task again after `after`, if attempts are left."""

    def __init__(self, reason: str = "asked for a retry", *, after: timedelta | float = 0) -> None:
        """`after` is a timedelta or seconds, and replaces the backoff."""
        self.after = after if isinstance(after, timedelta) else timedelta(seconds=after)
        super().__init__(reason)


class Cancel(Exception):  # noqa: N818 — a request, not an error
    """End this task as cancelled; dependents end as their edges say."""

    def __init__(self, reason: str = "cancelled by itself") -> None:
        """`reason` is shown to people."""
        super().__init__(reason)


class Waits(BaseException):
    """Raised by `context.wait_for` where the event is not there yet: the attempt ends here.

    No `Exception`, so that `except Exception` in a task does not keep it running.
    """

    def __init__(self, event: str, since: datetime, until: datetime | None) -> None:
        """`since` is when the task first asked for it."""
        super().__init__(f"waits for {event}")
        self.event = event
        self.since = since
        self.until = until


class StopReason(StrEnum):
    """Why a running attempt is asked to end."""

    TIMEOUT = "timeout"
    CANCEL = "cancel"
    SHUTDOWN = "shutdown"
    NOW = "now"
    LOST = "lost"


class Stopped(BaseException):
    """Raised in an attempt that is to end: at a check-point of its own, or from outside.

    No `Exception`, so that `except Exception` in a task does not keep it running.
    """

    def __init__(self, reason: StopReason = StopReason.TIMEOUT) -> None:
        """`reason` says who wants the end."""
        super().__init__(reason.value)
        self.reason = reason
