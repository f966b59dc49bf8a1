"""How a server is to be: where it listens, and what it lets be done."""

import ipaddress
from dataclasses import dataclass
from typing import Final

from jobrunner.core.errors import ConfigurationError

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8750

LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """`hosts` are further names, each with its port, by which it may be called: `jobs.lan:80`."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    read_only: bool = False
    allow_commands: bool = False
    hosts: tuple[str, ...] = ()
    with_workers: int = 0

    def __post_init__(self) -> None:
        """Refuse names that no browser sends.

        Raises:
            ConfigurationError: one is none.
        """
        for name in self.hosts:
            if not name.isascii() or not name.isprintable() or not name or set(name) & set("/@ ,"):
                raise ConfigurationError(
                    f"{name!r} is no name of a host", hint="Write NAME:PORT, as in jobs.lan:8750."
                )

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it: under another name, a proxy lets others in."""
        return is_loopback(self.host) and all(
            is_loopback(name.rpartition(":")[0] or name) for name in self.hosts
        )

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://{_bracketed(self.host)}:{self.port}/"

    @property
    def names(self) -> frozenset[str]:
        """What the header Host may say, to the letter, in small ones."""
        own = {f"{name}:{self.port}" for name in (_bracketed(self.host), *LOCAL_NAMES)}
        return frozenset(name.lower() for name in own | {*self.hosts})


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine, and no other reaches it there."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
