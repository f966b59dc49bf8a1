"""A stored hook: what is told of the ends of tasks, and whom: a URL or a command."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NoReturn
from urllib.parse import urlsplit

from jobrunner.core import payload
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.fields import is_list
from jobrunner.core.new_task import LONGEST_QUEUE
from jobrunner.core.status import FINAL, Status

RESERVED: Final = "jobrunner."
"""What the names of our own functions and queues begin with."""

HOOKS_QUEUE: Final = "jobrunner.hooks"
"""The queue of what hooks send. The ends of its own tasks are told to nobody."""

WEBHOOK: Final = "jobrunner.webhook"
"""The function that every worker has, and that sends an event to a URL."""

EVENTS: Final = tuple(status for status in Status if status in FINAL)
"""What may be told of a task: that it has completed, failed, or was cancelled."""

TEST: Final = "test"
"""The event of a hook that is only tried."""

_NAME: Final = re.compile(r"[\w.-]{1,100}")
_LONGEST_URL: Final = 2_000
_PREFIX: Final = "whsec_"
"""What stands before a secret in base64: see `key`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A hook as it is stored, but for its secret, which nobody is shown."""

    id: int
    name: str
    events: tuple[Status, ...]
    queue: str | None
    url: str | None
    command: tuple[str, ...] | None
    is_signed: bool
    may_be_private: bool
    paused_at: datetime | None
    created_at: datetime


def check_name(name: object) -> str:
    """Accept letters, digits, `_`, `-` and `.`, at most 100.

    Raises:
        ConfigurationError: it is no such name.
    """
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise ConfigurationError(
        "a hook's name has from 1 to 100 letters, digits, '_', '-' and '.'",
        hint="Name it for what it tells, as in `ops-mail`.",
    )


def check_events(events: Iterable[str]) -> tuple[Status, ...]:
    """Accept statuses that are ends, at least one.

    Raises:
        ConfigurationError: one is none.
    """
    named = [events] if isinstance(events, str) else list(events)
    known = ", ".join(EVENTS)
    if not named or any(one not in set(EVENTS) for one in named):
        raise ConfigurationError(
            "a hook is told of the ends of tasks", hint=f"Name some of {known}."
        )
    return tuple(status for status in EVENTS if status in named)


def check_queue(queue: object) -> str:
    """Accept the name of a queue that is not our own.

    Raises:
        ConfigurationError: it is none, or the hooks' own.
        PayloadError: it is no text that can be stored.
    """
    name = payload.check_text(queue, what="queue")
    if not 0 < len(name) <= LONGEST_QUEUE or name == HOOKS_QUEUE:
        raise ConfigurationError(f"{name[:40]!r} is no queue that hooks are told of")
    return name


def check_command(command: object) -> list[str]:
    """Accept a program and its arguments.

    Raises:
        ConfigurationError: it is no such list.
        PayloadError: a part is no text that can be stored.
    """
    if not is_list(command) or not command:
        raise ConfigurationError("a hook's command is a list with a program and its arguments")
    parts: Sequence[object] = command  # type: ignore[assignment]
    return [payload.check_text(part, what="command") for part in parts]


def check_url(url: object, *, may_be_private: bool) -> str:
    """Accept an http or https URL; one that names this machine or a private network, if it may.

    A name is looked up when something is sent, and its address looked at then.

    Raises:
        ConfigurationError: it is none.
        PayloadError: it is no text that can be stored.
    """
    text = payload.check_text(url, what="url")
    if len(text) > _LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text:
        _refuse("must be printable ASCII without spaces, at most 2,000 characters")
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:
        _refuse("is no URL")
    if parts.scheme not in {"http", "https"} or not host:
        _refuse("must begin with http:// or https:// and name a host")
    if parts.username is not None or parts.fragment:
        _refuse("must hold neither a user nor a fragment")
    if not may_be_private and _names_private(host):
        raise PrivateAddressError(host)
    return text


def _refuse(problem: str) -> NoReturn:
    raise ConfigurationError(
        f"the hook's url {problem}", hint="Write it as https://example.org/hook."
    )


class PrivateAddressError(ConfigurationError):
    """A hook's URL leads to this machine or into a private network."""

    def __init__(self, host: str) -> None:
        """`host` is what the URL names."""
        super().__init__(
            f"{host} is an address of this machine or of a private network",
            hint="If that is meant, add the hook with --allow-private.",
        )


def _names_private(host: str) -> bool:
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return not is_public(name)
    except ValueError:
        return False


_EMBEDDING: Final = (
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)
"""Networks whose addresses hold one of IPv4, and how many bits stand behind it."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and so is any that it holds within it.

    Raises:
        ValueError: it is no address.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or (found.teredo or (None, None))[1]
        for network, behind in _EMBEDDING:
            if found in network:
                inner = ipaddress.IPv4Address(int(found) >> behind & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if found.is_site_local:
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def check_secret(secret: object) -> str:
    """Accept a text of at least one character, or `whsec_` with base64 behind it.

    Raises:
        ConfigurationError: it is none. The secret is not told.
    """
    if isinstance(secret, str) and secret and "\0" not in secret and len(secret) <= _LONGEST_URL:
        try:
            if key(secret):
                return secret
        except (binascii.Error, UnicodeEncodeError):
            pass
    raise ConfigurationError(
        "the secret must be a text, or whsec_ with base64 behind it",
        hint="Make one with: openssl rand -base64 32 | sed s/^/whsec_/",
    )


def key(secret: str) -> bytes:
    """The bytes that a secret stands for: its text, or what `whsec_` has in base64 behind it.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    if secret.startswith(_PREFIX):
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    return secret.encode()
