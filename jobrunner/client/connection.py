"""Requests to a server: sent again where that is safe, and what is wrong raised as an error."""

import contextlib
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from itertools import chain, repeat
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx2

from jobrunner._version import __version__
from jobrunner.client.patience import PAUSES, Patience, rest
from jobrunner.core.error_objects import is_object, read_problem
from jobrunner.core.errors import ConfigurationError, TaskNotFoundError
from jobrunner.core.task import may_be_id
from jobrunner.core.web_errors import AnswerLostError, UnexpectedAnswerError, UnreachableError

T = TypeVar("T")

ROOT: Final = "api/v1"

KEY: Final = "Idempotency-Key"

REPEATABLE: Final = ("GET", "PUT")
"""To do it twice is to do it once."""

NOT_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
"""Of these the server has got nothing."""

KEPT: Final = 15.0
"""Seconds after which an idle connection is not used any more: less than a server keeps it."""

PAGE: Final = 500
"""The most that a server lists at once."""

LARGEST_ID: Final = 2**53 - 1
"""Beyond it, not every reader of JSON tells two numbers apart."""

LONGEST_PAUSE: Final = 5.0
"""Seconds that a server may ask for between two requests; for more, its error is raised."""


class Connection:
    """A server. Safe in any number of threads."""

    def __init__(self, url: str, token: str | None, timeout: float) -> None:
        """Nothing is sent yet.

        Raises:
            ConfigurationError: the address is none.
        """
        self.url = url.rstrip("/")
        self.timeout = timeout
        self.ended = threading.Event()
        """Set when it is closed: nobody waits any longer then."""
        headers = {"User-Agent": f"jobrunner/{__version__}", "Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        try:
            if httpx2.URL(self.url).scheme not in ("http", "https") or not httpx2.URL(url).host:
                raise _no_address(url)
            self.http = httpx2.Client(
                base_url=f"{self.url}/{ROOT}/",
                headers=headers,
                timeout=timeout,
                limits=httpx2.Limits(max_keepalive_connections=20, keepalive_expiry=KEPT),
            )
        except (httpx2.InvalidURL, UnicodeEncodeError) as error:
            raise _no_address(url) from error

    def close(self) -> None:
        """Close what is open, and end what waits."""
        self.ended.set()
        self.http.close()

    def get(self, *path: str | int, **params: Any) -> Any:
        """What is there; a parameter that is `None` is left out."""
        return value_of(self.send("GET", *path, params=params))

    def do(self, *path: str | int, body: Any = None, method: str = "POST") -> Any:
        """What has come of an act that is not to be done twice."""
        return value_of(self.send(method, *path, body=body))

    def pages(self, *path: str | int, limit: int, **params: Any) -> Iterator[Any]:
        """What is there, newest first, so many at most, over as many pages as it takes."""
        while limit > 0:
            answer = self.send("GET", *path, params={**params, "limit": min(limit, PAGE)})
            found: list[Any] = value_of(answer)
            yield from found
            limit -= len(found)
            following = answer.links.get("next")
            if following is None:
                return
            params["before"] = httpx2.URL(following["url"]).params["before"]

    def now(self) -> datetime:
        """The server's time, to the second."""
        answer = self.http.get(f"{self.url}/livez")
        return parsedate_to_datetime(answer.headers["date"])

    def send(
        self,
        method: str,
        *path: str | int,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> httpx2.Response:
        """The answer to a request, whose `path` is given in parts.

        Raises:
            UnreachableError: there is no server, nor was in the pauses after which it was tried.
            AnswerLostError: it was sent, and what came of it is not known.
            JobrunnerError: the server has refused it.
        """
        said = {name: value for name, value in (headers or {}).items() if value}
        request = self.http.build_request(
            method,
            place(*path),
            params=_given(params or {}),
            json=body,
            headers=said,
            timeout=timeout or self.timeout,
        )
        return self._sent(request, is_repeatable=method in REPEATABLE or KEY in said)

    def _sent(self, request: httpx2.Request, *, is_repeatable: bool) -> httpx2.Response:
        patience = Patience(self.timeout)
        for pause in chain(PAUSES, repeat(None)):
            if self.ended.is_set():
                break
            is_last = pause is None or patience.is_over
            try:
                answer = self.http.send(request)
            except httpx2.TransportError as error:
                if is_last or not (is_repeatable or isinstance(error, NOT_SENT)):
                    raise self.lost(error) from error
                wanted = pause or 0.0
            else:
                wanted = _pause_of(answer)
                if is_last or not 0 < wanted <= LONGEST_PAUSE:
                    check(answer)
                    return answer
            rest(self.ended, wanted)
        raise UnreachableError(self.url, "the client was closed")

    def lost(self, error: httpx2.TransportError) -> UnreachableError | AnswerLostError:
        """What a broken connection means to whoever has asked."""
        reason = str(error) or type(error).__name__
        if isinstance(error, (*NOT_SENT, httpx2.UnsupportedProtocol, httpx2.ProxyError)):
            return UnreachableError(self.url, reason)
        return AnswerLostError(self.url, reason)

    @contextlib.contextmanager
    def stream(
        self, *path: str | int, silence: float, **params: Any
    ) -> Generator[httpx2.EventSource]:
        """Events as they come; after so many seconds of `silence` it is taken for broken."""
        timeout = httpx2.Timeout(self.timeout, read=silence)
        with self.http.sse(place(*path), params=_given(params), timeout=timeout) as source:
            if not source.response.is_success:
                source.response.read()
            check(source.response)
            yield source


def place(*path: str | int) -> str:
    """A path of parts; a `/` inside of one is none of the path, and a dot leads nowhere."""
    return "/".join(quote(str(part), safe="").replace(".", "%2E") for part in path)


def known(task_id: int) -> int:
    """The id of a task, if there can be such.

    Raises:
        TaskNotFoundError: there cannot.
    """
    if not may_be_id(task_id) or task_id > LARGEST_ID:
        raise TaskNotFoundError(task_id)
    return int(task_id)


def check(answer: httpx2.Response) -> None:
    """Raise what a server tells in place of what was asked for."""
    if answer.is_success or answer.status_code == HTTPStatus.NOT_MODIFIED:
        return
    told: Any = None
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        told = value_of(answer)
    if not is_object(told):
        raise UnexpectedAnswerError(answer.reason_phrase or "no reason", answer.status_code)
    raise read_problem(told, answer.status_code)


def as_told(decode: Callable[[Any], T], told: Any) -> T:
    """What an answer tells, decoded.

    Raises:
        UnexpectedAnswerError: it is not of the form that was asked for.
    """
    try:
        return decode(told)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnexpectedAnswerError(f"that is not what was asked for: {error!r}", 200) from error


def value_of(answer: httpx2.Response) -> Any:
    """The JSON value of an answer.

    Raises:
        UnexpectedAnswerError: it has none.
    """
    try:
        return answer.json()
    except ValueError as error:
        raise UnexpectedAnswerError("that is not JSON", answer.status_code) from error


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _pause_of(answer: httpx2.Response) -> float:
    """How long a server wants to be left alone before it does anything; 0 where it does it."""
    if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
        return 0.0
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isdecimal() else 1.0


def _no_address(url: str) -> ConfigurationError:
    hint = "Write it as http://127.0.0.1:8750."
    return ConfigurationError(f"{url!r} is no address of a server", hint=hint)
