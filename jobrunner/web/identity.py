"""Who asks, and whether they may: the one dependency that every route has."""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Final

from fastapi import Depends, Request

from jobrunner.core.role import Role
from jobrunner.core.web_errors import RoleError, UnauthenticatedError
from jobrunner.web import csrf
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
    token, is_any = queue.tokens.look(_secret(request))
    if token is not None:
        return Identity(token.name, token.role)
    if is_any or not options.is_local:
        raise UnauthenticatedError
    return ANYBODY


def _secret(request: Request) -> str | None:
    """What was sent to tell who asks; never what stands in the URL, which others may see."""
    if "authorization" in request.headers:
        return csrf.bearer(request) or None
    return request.cookies.get(COOKIE)


@dataclass(frozen=True, slots=True)
class Requires:
    """A dependency: who asks must have this role at least, and mean it."""

    role: Role

    async def __call__(
        self, request: Request, identity: Annotated[Identity, Depends(identified)]
    ) -> Identity:
        """Let them in.

        Raises:
            RoleError: they may not.
            ForbiddenError: a browser was made to ask by somebody else's page.
        """
        if not identity.role.allows(self.role):
            raise RoleError(identity.name, identity.role, self.role)
        word = request.app.state.csrf.of(identity.name)
        await csrf.check(request, word)
        request.state.identity, request.state.csrf_token = identity, word
        return identity


@cache
def requires(role: Role) -> Requires:
    """What a route of this role depends on."""
    return Requires(role)


Reader = Annotated[Identity, Depends(requires(Role.READ))]
Submitter = Annotated[Identity, Depends(requires(Role.SUBMIT))]
Operator = Annotated[Identity, Depends(requires(Role.OPERATE))]
