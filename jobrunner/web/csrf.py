"""Proof that a request comes from our own page: a word that no other site can read."""

import hashlib
import hmac
import secrets
from typing import Final

from fastapi import Request

from jobrunner.core.web_errors import ForbiddenError

HEADER: Final = "X-CSRF-Token"
FIELD: Final = "csrf_token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
API: Final = "/api/"

_FORM: Final = "application/x-www-form-urlencoded"
"""What our pages send; a form with files would leave them open."""

_OF_BROWSERS: Final = ("origin", "sec-fetch-site", "cookie")


class Words:
    """The words of one server: each identity has its own, as long as the server runs."""

    def __init__(self) -> None:
        """Nobody knows them yet."""
        self._secret = secrets.token_bytes(32)

    def of(self, name: str) -> str:
        """The word that the pages of this identity send back."""
        return hmac.new(self._secret, name.encode(), hashlib.sha256).hexdigest()


def bearer(request: Request) -> str:
    """The token in the header; nothing if there is none."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def is_wanted(request: Request) -> bool:
    """Whether a request must prove it.

    One with a token in its header need not: no browser sends that by itself, as it does with
    `Basic`. Nor does a program that calls the API: it says nothing of what every browser says.
    """
    if request.method in SAFE_METHODS or bearer(request):
        return False
    is_browser = any(name in request.headers for name in _OF_BROWSERS)
    return is_browser or not request.url.path.startswith(API)


async def check(request: Request, word: str) -> None:
    """Make sure that a request comes from our own page.

    Raises:
        ForbiddenError: it does not say so.
    """
    if not is_wanted(request):
        return
    said = request.headers.get(HEADER) or await _field(request)
    if not hmac.compare_digest(said.encode(), word.encode()):
        raise ForbiddenError(
            "the request does not come from a page of this server, or from an old one",
            hint="Load the page again.",
        )


async def _field(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        return ""
    found = (await request.form()).get(FIELD)
    return found if isinstance(found, str) else ""
