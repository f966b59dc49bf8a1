"""Stored hooks: who is told of the ends of tasks; how they are told is in `telling`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Connection,
    delete,
    insert,
    select,
    update,
)

from jobrunner.core import payload
from jobrunner.core.control_errors import DuplicateHookError, HookNotFoundError
from jobrunner.core.hook import Hook
from jobrunner.core.status import Status
from jobrunner.storage.rules import event_hooks

_SHOWN: Final = [column for column in event_hooks.c if column.name != "secret"]
_EVERY: Final = select(*_SHOWN, event_hooks.c.secret.is_not(None).label("is_signed")).order_by(
    event_hooks.c.name
)
_ACTIVE: Final = _EVERY.where(event_hooks.c.paused_at.is_(None))


def every(transaction: Connection) -> list[Hook]:
    """All hooks, by their names."""
    return [_hook(row) for row in transaction.execute(_EVERY)]


def active(transaction: Connection) -> list[Hook]:
    """Those that are told of what ends now."""
    return [_hook(row) for row in transaction.execute(_ACTIVE)]


def get(transaction: Connection, name: str) -> Hook:
    """One hook.

    Raises:
        HookNotFoundError: there is none of that name.
    """
    row = transaction.execute(_EVERY.where(event_hooks.c.name == name)).one_or_none()
    if row is None:
        raise HookNotFoundError(name)
    return _hook(row)


def _hook(row: Any) -> Hook:
    values = dict(row._mapping)  # noqa: SLF001 — public, despite its name
    values["events"] = tuple(map(Status, payload.decode(row.events)))
    values["command"] = tuple(payload.decode(row.command)) if row.command else None
    values["may_be_private"] = bool(row.may_be_private)
    values["is_signed"] = bool(row.is_signed)
    return Hook(**values)


def add(
    transaction: Connection,
    name: str,
    *,
    events: Sequence[Status],
    queue: str | None,
    url: str | None,
    command: Sequence[str] | None,
    secret: str | None,
    may_be_private: bool,
    now: datetime,
) -> Hook:
    """Store a hook; all of it was checked.

    Raises:
        DuplicateHookError: there is one of that name.
    """
    if transaction.scalar(select(event_hooks.c.id).where(event_hooks.c.name == name)) is not None:
        raise DuplicateHookError(name)
    transaction.execute(
        insert(event_hooks).values(
            name=name,
            events=payload.encode([status.value for status in events], what="events"),
            queue=queue,
            url=url,
            command=payload.encode(list(command), what="command") if command else None,
            secret=secret,
            may_be_private=int(may_be_private),
            created_at=now,
        )
    )
    return get(transaction, name)


def remove(transaction: Connection, name: str) -> None:
    """Delete a hook; what it has still to send is not sent.

    Raises:
        HookNotFoundError: there is none of that name.
    """
    if not transaction.execute(delete(event_hooks).where(event_hooks.c.name == name)).rowcount:
        raise HookNotFoundError(name)


def pause(transaction: Connection, name: str, *, at: datetime | None) -> Hook:
    """Tell it nothing of what ends from now on; or, without a moment, again of all.

    Raises:
        HookNotFoundError: there is none of that name.
    """
    this = update(event_hooks).where(event_hooks.c.name == name)
    transaction.execute(this.values(paused_at=at))
    return get(transaction, name)


class Target(NamedTuple):
    """Where an event is sent, and with what secret. Read as it is sent, and told to nobody."""

    name: str
    url: str
    secret: str | None
    may_be_private: bool


def target(transaction: Connection, hook_id: int) -> Target | None:
    """Where a hook sends to; `None` if it was removed."""
    columns = (event_hooks.c[name] for name in Target._fields)
    query = select(*columns).where(event_hooks.c.id == hook_id, event_hooks.c.url.is_not(None))
    row = transaction.execute(query).one_or_none()
    return None if row is None else Target(row.name, row.url, row.secret, bool(row.may_be_private))
