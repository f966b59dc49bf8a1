"""How a server's database is reached: limits in time, the schema, and where to listen."""

import re
from typing import Any, Final, NamedTuple

from sqlalchemy.engine import URL

from jobrunner.core.errors import DatabaseError
from jobrunner.storage.location import parse

SESSION: Final = {
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    "jit": "off",
}
"""No statement, no wait for a lock, no transaction that does nothing lasts longer. To compile one
takes longer than any of ours."""

CONNECTION: Final = {
    "application_name": "jobrunner",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""A server that does not answer any more is noticed within 25 s (libpq's own names; seconds,
the last one milliseconds)."""

TEXT: Final = {"client_encoding": "utf8"}
"""Whatever the environment says."""

OWN: Final = ("schema", "notify", "listen_url", "prepare")
OF_THE_DRIVER: Final = (
    "autocommit",
    "context",
    "cursor_factory",
    "prepare_threshold",
    "row_factory",
)
"""What the driver would take out of a URL for its own use, and libpq does not know."""

_NAME: Final = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,47}")


class Address(NamedTuple):
    """A server's database, and what of it is ours. `listen` is `None` where nobody is to listen.

    `prepares` is not so behind a pooler that gives each transaction another session.
    """

    url: URL
    schema: str | None
    listen: URL | None
    prepares: bool

    @property
    def channels(self) -> str:
        """What the names of the channels of this schema begin with."""
        return f"jobrunner_{self.schema}" if self.schema else "jobrunner"


def read(url: URL) -> Address:
    """Take our own words out of a URL: `schema`, `notify=off`, `listen_url`, `prepare=off`.

    Raises:
        DatabaseError: one of them has no meaning.
    """
    query = dict(url.query)
    for name in OF_THE_DRIVER:
        if name in query:
            raise DatabaseError(f"{name} has no meaning in a URL", hint="Leave it out.")
    schema = _word(query.pop("schema", None), "schema", _NAME)
    notify = _word(query.pop("notify", None), "notify", re.compile("on|off")) or "on"
    prepares = _word(query.pop("prepare", None), "prepare", re.compile("on|off")) != "off"
    listen_url = query.pop("listen_url", None)
    # A later word of `options` wins: the user's own come last.
    own = SESSION | ({"search_path": schema} if schema else {})
    options = [*(f"-c {name}={value}" for name, value in own.items()), query.get("options", "")]
    query = {**CONNECTION, **query, **TEXT, "options": " ".join(map(str, options)).strip()}
    listen = parse(str(listen_url)) if listen_url else url
    if listen.drivername != url.drivername:
        raise DatabaseError("the listen_url is not a server's", hint="Give a URL like the first.")
    if notify == "off":
        return Address(url.set(query=query), schema, None, prepares)
    rest = {name: value for name, value in listen.query.items() if name not in OWN}
    listen = listen.set(query={**CONNECTION, **rest, **TEXT})
    return Address(url.set(query=query), schema, listen, prepares)


def _word(value: Any, name: str, allowed: re.Pattern[str]) -> str | None:
    if value is None or (isinstance(value, str) and allowed.fullmatch(value)):
        return value
    raise DatabaseError(
        f"{name}={value!r} has no meaning",
        hint="A schema is named by small letters, digits and _, but not pg_…; notify and prepare"
        " are on or off.",
    )
