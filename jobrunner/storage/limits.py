"""The limits that people set, by name, in whichever table they are."""

from typing import Any

from sqlalchemy import Connection, Table, select, text, update

from jobrunner.core.limits import LimitChange, Limits, Rate
from jobrunner.storage import notices


def read(transaction: Connection, table: Table, *which: Any) -> dict[str, Limits]:
    """The limits in the rows that match."""
    query = select(table.c.name, table.c.concurrency, table.c.rate, table.c.period).where(*which)
    return {
        name: Limits(concurrency, None if rate is None else Rate(rate, period))
        for name, concurrency, rate, period in transaction.execute(query)
    }


def put(
    transaction: Connection, table: Table, name: str, before: Limits, change: LimitChange
) -> Limits:
    """Store what `change` makes of the limits that were there before; returns them."""
    concurrency = change.get("concurrency", before.concurrency)
    rate = change.get("rate", before.rate)
    number, period = (None, None) if rate is None else rate
    values = {"concurrency": concurrency, "rate": number, "period": period}
    put_row(transaction, table, name)
    transaction.execute(update(table).where(table.c.name == name).values(values))
    notices.work(transaction)
    return Limits(concurrency, rate)


def put_row(transaction: Connection, table: Table, name: str) -> None:
    """Have a row of that name, as it is if it is there."""
    statement = f"INSERT INTO {table.name} (name) VALUES (:name) ON CONFLICT DO NOTHING"  # noqa: S608 — ours
    transaction.execute(text(statement), {"name": name})
