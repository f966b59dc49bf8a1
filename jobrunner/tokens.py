"""`queue.tokens`: who may look at a queue over HTTP, hand in tasks, or act on all there is."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from jobrunner.core.access import Token, check_name
from jobrunner.core.role import Role
from jobrunner.runtime.home import Home
from jobrunner.storage import access

if TYPE_CHECKING:
    from sqlalchemy import Connection

BYTES: Final = 32
"""256 bits: there is nothing to guess, so a plain hash of it is enough."""

OPERATOR: Final = "local"
"""Who makes and removes tokens, in the audit log: whoever may use the database itself."""

LONGEST_SECRET: Final = 200
"""Characters of what is looked at; no secret has so many."""


class Look(NamedTuple):
    """What a secret is worth: its token, if it has one, and whether there are any tokens."""

    token: Token | None
    is_any: bool


class Tokens:
    """The tokens of a queue. Their secrets are shown once and stored nowhere."""

    def __init__(self, home: Home) -> None:
        """`home` is the queue."""
        self._home = home

    def add(self, name: str, role: Role | str = Role.READ) -> str:
        """Make a token, and return its secret: nobody can read it later.

        Raises:
            ConfigurationError: there is one of that name already, or it is no name.
            ValueError: there is no such role.
        """
        secret, given = secrets.token_urlsafe(BYTES), Role(role)
        now = self._home.clock.now()
        with self._home.store.writing() as transaction:
            access.add_token(transaction, check_name(name), given, _digest(secret), now=now)
            self._note(transaction, "add_token", name, role=given.value)
        return secret

    def list(self) -> Sequence[Token]:
        """The tokens there are, by name."""
        return [known.token for known in self._home.store.read(access.known_tokens)]

    def remove(self, name: str) -> None:
        """Make a token worthless from the next request on.

        Raises:
            TokenNotFoundError: there is none of that name.
        """
        with self._home.store.writing() as transaction:
            access.remove_token(transaction, name)
            self._note(transaction, "remove_token", name)

    def _note(self, transaction: "Connection", action: str, name: str, **detail: str) -> None:
        now = self._home.clock.now()
        access.note(transaction, OPERATOR, action, target=name, detail=detail, now=now)

    def look(self, secret: str | None) -> Look:
        """What a secret is worth now. It is compared with each token, whichever fits.

        Digests are compared, in constant time
        (guarded by test_a_secret_is_compared_with_every_token_in_constant_time).
        """
        known = self._home.store.read(access.known_tokens)
        digest = _digest((secret or "")[:LONGEST_SECRET])
        found: Token | None = None
        for one in known:
            if hmac.compare_digest(one.digest, digest):
                found = one.token
        return Look(found if secret else None, bool(known))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
