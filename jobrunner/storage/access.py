"""Tokens, the audit log, and the keys of requests that may come again."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, func, insert, literal_column, select, text, update

from jobrunner.core import payload
from jobrunner.core.access import MOST_TOKENS, AuditEntry, Token
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.role import Role
from jobrunner.core.web_errors import IdempotencyError, TokenNotFoundError
from jobrunner.storage.access_tables import audit, idempotency_keys, tokens
from jobrunner.storage.dialect import lock_name
from jobrunner.storage.types import micros

AUDIT_KEPT_FOR: Final = timedelta(days=365)
KEYS_KEPT_FOR: Final = timedelta(hours=24)
PRUNE_AT_ONCE: Final = 500
OLD_AT_ONCE: Final = 10
"""Old keys that go with each new one."""


class Known(NamedTuple):
    """A token with what its secret is compared by."""

    token: Token
    digest: str


def add_token(
    transaction: Connection, name: str, role: Role, digest: str, *, now: datetime
) -> None:
    """Know a token from now on.

    Raises:
        ConfigurationError: there is one of that name, or there are too many.
    """
    lock_name(transaction, "jobrunner tokens")
    if transaction.scalar(select(tokens.c.id).where(tokens.c.name == name)) is not None:
        raise ConfigurationError(
            f"there is a token {name!r} already", hint="Remove it first, or choose another name."
        )
    if (transaction.scalar(select(func.count()).select_from(tokens)) or 0) >= MOST_TOKENS:
        raise ConfigurationError(f"there are {MOST_TOKENS} tokens already", hint="Remove one.")
    values = {"name": name, "role": role.value, "digest": digest, "created_at": now}
    transaction.execute(insert(tokens).values(values))


def remove_token(transaction: Connection, name: str) -> None:
    """Forget a token: from the next request on it is worth nothing.

    Raises:
        TokenNotFoundError: there is none of that name.
    """
    if transaction.execute(delete(tokens).where(tokens.c.name == name)).rowcount == 0:
        raise TokenNotFoundError(name)


_TOKENS: Final = select(
    tokens.c.name, tokens.c.role, tokens.c.created_at, tokens.c.digest
).order_by(tokens.c.name)


def known_tokens(transaction: Connection) -> list[Known]:
    """All tokens, by name."""
    return [
        Known(Token(name=name, role=Role(role), created_at=created_at), digest)
        for name, role, created_at, digest in transaction.execute(_TOKENS)
    ]


def note(
    transaction: Connection,
    actor: str,
    action: str,
    *,
    target: str,
    detail: Mapping[str, Any],
    now: datetime,
) -> int:
    """Write down what is done in this transaction; returns the entry's id."""
    values = {
        "at": now,
        "actor": actor,
        "action": action,
        "target": target,
        "detail": payload.encode(detail, what="detail"),
    }
    return int(transaction.execute(insert(audit).values(values).returning(audit.c.id)).scalar_one())


def note_more(transaction: Connection, entry_id: int, detail: Mapping[str, Any]) -> None:
    """Say what has come of what was done, in place of what was asked for."""
    told = payload.encode(detail, what="detail")
    transaction.execute(update(audit).where(audit.c.id == entry_id).values(detail=told))


def entries(transaction: Connection, *, limit: int, before: int | None = None) -> list[AuditEntry]:
    """What was done, the newest first; `before` is the id of the last entry that was seen."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.id < before)
    return [
        AuditEntry(
            id=row.id,
            at=row.at,
            actor=row.actor,
            action=row.action,
            target=row.target,
            detail=payload.decode(row.detail),
        )
        for row in transaction.execute(query)
    ]


_TAKE: Final = text(
    "INSERT INTO idempotency_keys (actor, key, fingerprint, stored_at)"
    " VALUES (:actor, :name, :fingerprint, :now) ON CONFLICT DO NOTHING"
)


def take_key(
    transaction: Connection, actor: str, key: str, *, fingerprint: str, now: datetime
) -> Any:
    """Take a key for a new request; the answer of the first one, if it has come before.

    Whoever comes at the same time waits until it is known what has become of the other
    (guarded by test_of_two_racing_requests_with_one_key_one_enqueues).

    Raises:
        IdempotencyError: another request has it.
    """
    _forget_old(transaction, now)
    values = {"actor": actor, "name": key, "fingerprint": fingerprint, "now": micros(now)}
    if transaction.execute(_TAKE, values).rowcount:
        return None
    query = select(idempotency_keys.c.fingerprint, idempotency_keys.c.answer)
    found = transaction.execute(query.where(*_is(actor, key))).one()
    if found.fingerprint != fingerprint:
        raise IdempotencyError("this Idempotency-Key was sent with another request")
    return payload.decode(found.answer)


def keep_answer(transaction: Connection, actor: str, key: str, answer: Sequence[int]) -> None:
    """Note what is to be answered when the request comes again."""
    stored = payload.encode(list(answer), what="answer")
    transaction.execute(update(idempotency_keys).where(*_is(actor, key)).values(answer=stored))


def _is(actor: str, key: str) -> tuple[Any, Any]:
    return idempotency_keys.c.actor == actor, idempotency_keys.c.key == key


def _forget_old(transaction: Connection, now: datetime) -> None:
    old = (
        select(idempotency_keys.c.actor, idempotency_keys.c.key)
        .where(idempotency_keys.c.stored_at < now - KEYS_KEPT_FOR)
        .order_by(idempotency_keys.c.stored_at)
        .limit(literal_column(str(OLD_AT_ONCE)))
        .with_for_update(skip_locked=True)  # two that forget the same would wait for each other
    )
    for actor, key in transaction.execute(old).all():
        transaction.execute(delete(idempotency_keys).where(*_is(actor, key)))


def prune(transaction: Connection, *, now: datetime) -> int:
    """Forget what was done long ago, a bounded number at once; returns how many."""
    old = (
        select(audit.c.id)
        .where(audit.c.at < now - AUDIT_KEPT_FOR)
        .order_by(audit.c.at)
        .limit(literal_column(str(PRUNE_AT_ONCE)))
    )
    return transaction.execute(delete(audit).where(audit.c.id.in_(old.scalar_subquery()))).rowcount
