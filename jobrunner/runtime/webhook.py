"""Send an event to a URL: signed, to the address that was looked at, following nobody elsewhere.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import http.client
import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from jobrunner._version import __version__
from jobrunner.core import payload
from jobrunner.core.errors import JobrunnerError
from jobrunner.core.hook import PrivateAddressError, is_public, key
from jobrunner.core.signals import Cancel
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.context import context
from jobrunner.storage import event_hooks
from jobrunner.storage.engine import Database
from jobrunner.storage.event_hooks import Target

PATIENCE: Final = 10.0
"""Seconds to wait for the other side, for each of its steps."""

_SUCCESS: Final = range(200, 300)
_PORTS: Final = {"http": 80, "https": 443}


class DeliveryError(JobrunnerError):
    """The other side did not accept an event; it is sent again, as any task that fails."""


class Webhook:
    """The function that tasks of hooks run."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """The hook is read from `database` at the moment of sending, with its secret."""
        self._database = database
        self._clock = clock

    def __call__(self, hook_id: int, event: Mapping[str, Any]) -> int:
        """Send an event; returns the status with which the other side has accepted it.

        Raises:
            Cancel: the hook was removed.
            DeliveryError: it was not accepted.
            PrivateAddressError: the URL leads to where the hook may not send.
        """
        with self._database.reading() as transaction:
            target = event_hooks.target(transaction, hook_id)
        if target is None:
            raise Cancel("its hook was removed")
        message_id = str(context.task_id)
        delivery = {"id": message_id, "attempt": context.attempt}
        body = payload.encode({**event, "delivery": delivery}, what="event").encode()
        seconds = int(self._clock.now().timestamp())
        return _post(target, body, headers(target.secret, message_id, seconds, body))


def headers(secret: str | None, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """What goes with a body: what it is, from whom, and its signature where there is a secret."""
    found = {
        "content-type": "application/json",
        "user-agent": f"jobrunner/{__version__}",
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "connection": "close",
    }
    if secret is not None:
        signed = f"{message_id}.{seconds}.".encode() + body
        digest = hmac.new(key(secret), signed, hashlib.sha256).digest()
        found["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return found


def _post(target: Target, body: bytes, sent: Mapping[str, str]) -> int:
    parts = urlsplit(target.url)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    connection = _Connection(host, port, timeout=PATIENCE)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        found = _connected(host, port, may_be_private=target.may_be_private)
        connection.sock = _over_tls(found, host) if parts.scheme == "https" else found
        connection.request("POST", path, body=body, headers=dict(sent))
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        problem = str(error).partition("\n")[0] or type(error).__name__
        raise DeliveryError(f"hook {target.name}: {problem}") from None
    finally:
        connection.close()
    if status not in _SUCCESS:
        raise DeliveryError(f"hook {target.name}: the other side answered {status}")
    return status


class _Connection(http.client.HTTPConnection):
    """A connection that is made elsewhere, and never again: to an address that was looked at."""

    auto_open = 0


def _connected(host: str, port: int, *, may_be_private: bool) -> socket.socket:
    """Look a name up once, and connect to what was found, if that may be.

    Nobody looks the name up a second time: it could lead elsewhere by then
    (guarded by test_a_name_is_looked_up_once_and_what_was_found_is_connected_to).
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed = [one for one in found if may_be_private or is_public(str(one[4][0]))]
    if not allowed:
        raise PrivateAddressError(host)
    problem: OSError | None = None
    for family, kind, protocol, _, address in allowed:
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(PATIENCE)
            made.connect(address)
        except OSError as error:
            made.close()
            problem = error
        else:
            return made
    raise problem or OSError(f"{host} has no address")


def _over_tls(plain: socket.socket, host: str) -> socket.socket:
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise
