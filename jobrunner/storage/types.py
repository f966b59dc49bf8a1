"""What columns hold: moments and spans as whole microseconds, 64 bits on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import REAL, BigInteger, Dialect, Double, Integer, TypeDecorator

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

Number: Any = Double[float]().with_variant(REAL(), "sqlite")
"""64 bits on both: PostgreSQL's REAL has 32, and a STRICT table of SQLite knows no DOUBLE."""

Long = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits on both: SQLite's INTEGER is, PostgreSQL's is not."""


def micros(moment: datetime) -> int:
    """A moment as both databases hold it: microseconds since the epoch."""
    return (moment - EPOCH) // MICROSECOND


def later(microseconds: int) -> datetime:
    """The moment so long after the epoch."""
    return EPOCH + timedelta(microseconds=microseconds)


class Moment(TypeDecorator[datetime]):
    """A moment in time, stored as whole microseconds since the epoch, UTC."""

    impl = Long
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """From an aware datetime to microseconds."""
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """From microseconds to a datetime in UTC."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


class Span(TypeDecorator[timedelta]):
    """A length of time, stored as whole microseconds."""

    impl = Long
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        """From a timedelta to microseconds."""
        return None if value is None else value // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:
        """From microseconds to a timedelta."""
        return None if value is None else timedelta(microseconds=value)
