"""Waiting for an event: its payload, or the end of the attempt until it is sent."""

import contextlib
from datetime import timedelta
from typing import Any, Final

from jobrunner.core import fields, payload
from jobrunner.core.control_errors import EventTimeoutError
from jobrunner.core.errors import DatabaseError
from jobrunner.core.sent import check_name
from jobrunner.core.signals import Waits
from jobrunner.runtime.running import OpenTransactionError
from jobrunner.runtime.steps import EVENT, Steps
from jobrunner.storage import sent, waits

NEVER_CAME: Final = "[]"
"""Stands for an event that was not sent in time; one that came is a list of its payload."""


def wait_for(steps: Steps, event: str, timeout: timedelta | None) -> Any:
    """The payload of an event, the same in all later attempts.

    Raises:
        EventTimeoutError: it was not sent in time.
        Waits: it is not there yet.
        OpenTransactionError: in a transaction.
        InvalidTaskError: the name or the timeout is not right.
    """
    step = EVENT + check_name(event)
    if timeout is not None:
        fields.check_span("timeout", timeout, shortest=timedelta())
    if steps.is_done(step):
        return _received(event, steps.result(step) or NEVER_CAME)
    if step in steps.owed:
        raise EventTimeoutError(event)
    steps.refuse("an event cannot be waited for")
    if steps.block is not None:
        raise OpenTransactionError("an event cannot be waited for inside a transaction")
    link = steps.link
    with link.shielded(), link.database.reading() as transaction:
        found = sent.find(transaction, event, link.lease.task_id)
        since = waits.since(transaction, event, link.lease.task_id)
    if found is not None:
        text = f"[{found[0] or 'null'}]"
        steps.keep({step: text})
        return _received(event, text)
    now = link.clock.now()
    since = since or now
    until = None if timeout is None else since + timeout
    if until is not None and until <= now:
        # Kept with the next step only: a task that ends of it waits anew when it is retried.
        steps.owed[step] = NEVER_CAME
        raise EventTimeoutError(event)
    raise Waits(event, since, until)


def _received(event: str, text: str) -> Any:
    value: list[Any] = payload.decode(text)
    if not value:
        raise EventTimeoutError(event)
    return value[0]


def give_up(steps: Steps, event: str) -> None:
    """The task ends because the event was not sent in time: a retry by hand waits anew."""
    lease = steps.link.lease
    with contextlib.suppress(DatabaseError), steps.opened() as transaction:
        waits.give_up(transaction, lease.task_id, lease.token, event)
