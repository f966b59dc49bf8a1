"""Numbers, spans and moments as the page writes them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from jobrunner.core.report_detail import WIDTHS
from jobrunner.core.span import span_text

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
SECOND: Final = 1_000_000
MINUTE: Final = 60_000_000
DAY: Final = timedelta(days=1)
FEW: Final = 0.0995
"""A tenth, once rounded."""

FEWEST: Final = 0.0005

TICKS: Final = 6
"""At most so many along an axis."""


def brief(seconds: float | None) -> str:
    """A span in three digits: `640 µs`, `4.12 ms`, `12.3 s`, `3m 20s`."""
    if seconds is None:
        return "-"
    if seconds >= 59.95:  # noqa: PLR2004 — a minute, once rounded
        return span_text(seconds)
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{_three(seconds / size)} {unit}"
    return f"{seconds * 1e6:.0f} µs" if seconds else "0 s"


def _three(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.3g}"  # noqa: PLR2004 — 100, rounded


def number(value: float) -> str:
    """A count, or a rate in three digits."""
    if isinstance(value, int) or value >= 99.95:  # noqa: PLR2004 — as above
        return f"{value:,.0f}"
    return _three(value)


def percent(share: float) -> str:
    """A share; a small one has a digit behind the point."""
    if 0 < share < FEWEST:
        return "<0.1%"
    return f"{share:.1%}" if 0 < share < FEW else f"{share:.0%}"


def day(moment: datetime) -> str:
    """`29 November 2026`."""
    return f"{moment.day} {moment:%B %Y}"


def period(first: datetime, last: datetime) -> str:
    """From when to when; the day once if it is one."""
    if first.date() == last.date():
        return f"{day(first)}, {first:%H:%M:%S} to {last:%H:%M:%S} UTC"
    return f"{day(first)}, {first:%H:%M} to {day(last)}, {last:%H:%M} UTC"


def when(moment: datetime, *, among: timedelta) -> str:
    """A moment among others that lie so far apart."""
    return f"{moment:%H:%M:%S}" if among < DAY else f"{moment.day} {moment:%b %H:%M}"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 task`, `2 tasks`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def time_ticks(first: int, last: int) -> Iterator[tuple[float, str]]:
    """Where along a span of microseconds since the epoch a moment is to stand, and its words."""
    length = max(last - first, 1)
    step = next((width for width in WIDTHS if length <= width * TICKS), WIDTHS[-1])
    step *= max(1, -(-length // (step * TICKS)))
    for at in range(-(-first // step) * step, last + 1, step):
        yield (at - first) / length, clock(at, step, among=length)


def clock(at: int, step: int, *, among: int = 0) -> str:
    """A moment in microseconds since the epoch, as exact as steps of it are; of days with it."""
    moment = EPOCH + timedelta(microseconds=at)
    if step < SECOND:
        return f"{moment:%H:%M:%S.%f}"[:-3]
    if step < MINUTE:
        return f"{moment:%H:%M:%S}"
    if step >= DAY // MICROSECOND:
        return f"{moment.day} {moment:%b}"
    return f"{moment.day} {moment:%b %H:%M}" if among >= DAY // MICROSECOND else f"{moment:%H:%M}"


def top_of(value: float) -> float:
    """The next higher of numbers that people count in: where an axis ends."""
    step = 1.0
    while True:
        for base in (1, 2, 3, 4, 5, 6, 8):
            if base * step >= value:
                return base * step
        step *= 10
