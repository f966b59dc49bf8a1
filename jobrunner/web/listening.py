"""A socket to listen on, or one sentence why there is none."""

import errno
import socket
from typing import Final

from jobrunner.core.errors import ConfigurationError

BACKLOG: Final = 2_048


def listen(host: str, port: int) -> socket.socket:
    """Listen; port 0 takes any that is free.

    Raises:
        ConfigurationError: it cannot be, and why.
    """
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(
            f"there is no host {host!r} to listen at", hint="Give --host an address: 127.0.0.1."
        ) from error
    family, kind, protocol, _, address = found[0]
    # Connections have the protocol of this socket, and only where that is said to be TCP does
    # asyncio turn Nagle's algorithm off: otherwise answers wait 40 ms for the client's next word
    # (guarded by test_an_answer_is_sent_at_once).
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"port {port} of {host} is in use",
                hint="Choose another with --port; 0 takes any that is free.",
            ) from error
        raise ConfigurationError(
            f"it cannot listen at port {port} of {host}: {error.strerror}",
            hint="Choose others with --host and --port.",
        ) from error
    return made
