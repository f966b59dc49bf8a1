"""The pending messages in a file of Huey, read and never written."""

import contextlib
from pathlib import Path
from typing import Final
from urllib.parse import quote

from jobrunner.core.errors import DatabaseError
from jobrunner.storage.sqlite import choose_driver

_PENDING: Final = (
    "SELECT data FROM task ORDER BY priority DESC, id",
    "SELECT data FROM schedule ORDER BY timestamp, id",
)


def pending(path: Path) -> list[bytes]:
    """What waits in it, as it is stored: first what could run, then what has its time ahead.

    Raises:
        DatabaseError: there is no such file, or it is none of Huey's.
    """
    if not path.is_file():
        raise DatabaseError(f"there is no file {path}", hint="Name the SQLite file of SqliteHuey.")
    driver = choose_driver()
    try:
        opened = driver.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
        with contextlib.closing(opened) as connection:
            connection.execute("BEGIN")  # both tables as of one moment
            return [bytes(row[0]) for query in _PENDING for row in connection.execute(query)]
    except driver.Error as error:
        raise DatabaseError(
            f"{path} cannot be read as a file of Huey: {error}",
            hint="Name the SQLite file of SqliteHuey.",
        ) from error
