"""A glance into a file for who types: without SQLAlchemy, which takes too long to import."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Final

NEWEST: Final = 5_000
"""So many of the newest tasks are looked through."""

LONGEST: Final = 0.1
"""Seconds after which a glance gives up."""

_FEW: Final = 50

_NEWEST: Final = f"(SELECT * FROM tasks ORDER BY id DESC LIMIT {NEWEST})"  # noqa: S608 — ours

TASKS: Final = f"""
    SELECT id, status || ' ' || coalesce(nullif(description, ''), function, command)
    FROM {_NEWEST} WHERE CAST(id AS TEXT) LIKE ? || '%' LIMIT {_FEW}
"""  # noqa: S608 — ours
QUEUES: Final = f"""
    SELECT DISTINCT queue, '' FROM {_NEWEST} WHERE substr(queue, 1, length(?1)) = ?1
    UNION SELECT name, '' FROM queues WHERE substr(name, 1, length(?1)) = ?1 LIMIT {_FEW}
"""  # noqa: S608 — ours
FUNCTIONS: Final = f"""
    SELECT DISTINCT function, '' FROM {_NEWEST} WHERE substr(function, 1, length(?)) = ?1
    LIMIT {_FEW}
"""  # noqa: S608 — ours


def glimpse(path: Path, query: str, beginning: str) -> list[tuple[str, str]]:
    """What a word that begins so may become, each with what it is; nothing where that takes long.

    It opens the file for reading only, and is for a process that does nothing else with it.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(address, uri=True, timeout=LONGEST)) as connection,
    ):
        return [(str(word), what) for word, what in connection.execute(query, [beginning])]
    return []
