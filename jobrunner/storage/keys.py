"""Concurrency keys: what people have set for them, and what holds for each."""

from collections import Counter
from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from jobrunner.core import lane
from jobrunner.core.limits import KeyInfo, LimitChange, Limits, names_of, of_key
from jobrunner.storage import limits
from jobrunner.storage.chunks import chunks
from jobrunner.storage.rules import concurrency_keys
from jobrunner.storage.tables import tasks


def limits_of(transaction: Connection, keys: Collection[str]) -> dict[str, Limits]:
    """What holds for each of these keys."""
    rules: dict[str, Limits] = {}
    for some in chunks(sorted({name for key in keys for name in names_of(key)})):
        rules |= limits.read(transaction, concurrency_keys, concurrency_keys.c.name.in_(some))
    return {key: of_key(key, rules) for key in keys}


def limit(transaction: Connection, name: str, change: LimitChange) -> Limits:
    """Change what holds for a key, and for those that begin with it; returns what holds now."""
    before = limits_of(transaction, [name])[name]
    return limits.put(transaction, concurrency_keys, name, before, change)


def every(transaction: Connection) -> list[KeyInfo]:
    """The keys that somebody has set limits for, or whose tasks run or wait, by name."""
    running = _by_key(transaction, tasks.c.status == literal_column("'in_progress'"))
    waiting = _by_key(transaction, tasks.c.status == literal_column("'pending'"))
    rules = limits.read(transaction, concurrency_keys)
    return [
        KeyInfo(name, of_key(name, rules), name in rules, running[name], waiting[name])
        for name in sorted({*rules, *running, *waiting})
    ]


def _by_key(transaction: Connection, status: ColumnElement[bool]) -> Counter[str]:
    query = select(tasks.c.lane, func.count()).where(status, tasks.c.lane.is_not(None))
    found: Counter[str] = Counter()
    for text, number in transaction.execute(query.group_by(tasks.c.lane)):
        key = lane.decode(text).key
        if key is not None:
            found[key] += number
    return found
