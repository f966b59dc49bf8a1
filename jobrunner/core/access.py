"""Who may do what over HTTP, and what was done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from jobrunner.core import payload
from jobrunner.core.errors import ConfigurationError, PayloadError
from jobrunner.core.role import Role

LONGEST_NAME: Final = 100
LONGEST_KEY: Final = 200
MOST_TOKENS: Final = 1_000
"""Each request is compared with all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it is known: its secret is nowhere, only the digest of that in the database."""

    name: str
    role: Role
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that was done over HTTP: `actor` is the name of a token."""

    id: int
    at: datetime
    actor: str
    action: str
    target: str
    detail: Mapping[str, Any]


def check_name(name: object) -> str:
    """Accept what a token can be called.

    Raises:
        ConfigurationError: it cannot be.
    """
    return _checked("the name of a token", name, LONGEST_NAME)


def check_key(key: object) -> str:
    """Accept what a request that may come again can be called.

    Raises:
        ConfigurationError: it cannot be.
    """
    return _checked("an Idempotency-Key", key, LONGEST_KEY)


def _checked(what: str, value: object, longest: int) -> str:
    try:
        text = payload.check_text(value, what=what)
    except PayloadError as error:
        raise ConfigurationError(str(error)) from error
    if not text.isprintable() or not text.strip() or len(text) > longest:
        raise ConfigurationError(f"{what} has from 1 to {longest} characters that can be printed")
    return text
