"""How many attempts ended when: small steps of time, put together into as many buckets as asked."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from jobrunner.core import fields
from jobrunner.core.insight import Bucket

STEP: Final = timedelta(seconds=10)
"""The finest there is: a bucket is a whole number of these."""

MOST: Final = 1_000
"""Buckets at once."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Tally(NamedTuple):
    """What ended in one step; waits and runs summed up, in microseconds."""

    completed: int = 0
    failed: int = 0
    other: int = 0
    wait: int = 0
    run: int = 0

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(*(one + two for one, two in zip(self, other, strict=True)))

    def bucket(self, at: datetime) -> Bucket:
        """The same as it is shown."""
        number = self.completed + self.failed + self.other
        return Bucket(
            at=at,
            completed=self.completed,
            failed=self.failed,
            other=self.other,
            wait_s=self.wait / number / 1e6 if number else None,
            run_s=self.run / number / 1e6 if number else None,
        )


NOTHING: Final = Tally()


class Grid(NamedTuple):
    """Buckets of equal width, in steps since the epoch."""

    first: int
    width: int
    number: int

    @property
    def end(self) -> int:
        """The first step behind the last bucket."""
        return self.first + self.width * self.number

    def regroup(self, *parts: Mapping[int, Tally]) -> Iterable[Bucket]:
        """The buckets of what ended in which step."""
        sums = [NOTHING] * self.number
        for tallies in parts:
            span = range(self.first, self.end)
            for step in span if len(span) < len(tallies) else list(tallies):
                if step in span and step in tallies:
                    at = (step - self.first) // self.width
                    sums[at] = sums[at].plus(tallies[step])
        for number, tally in enumerate(sums):
            yield tally.bucket(_EPOCH + (self.first + number * self.width) * STEP)


def grid(since: datetime, until: datetime, buckets: int) -> Grid:
    """Buckets from the one that holds `since` to that of `until`: at most so many, and one more.

    They begin at multiples of their width, so that they stay where they are as time goes on.

    Raises:
        InvalidTaskError: there is no time between the two, or the number has no meaning.
    """
    fields.check_integer("buckets", buckets, range(1, MOST + 1))
    fields.check_moment("since", since)
    fields.check_moment("until", until)
    since = max(since, _EPOCH)
    if since >= until:
        raise fields.invalid("since", "must be before until")
    width = -(-(until - since) // (buckets * STEP))
    first, last = ((moment - _EPOCH) // (width * STEP) for moment in (since, until))
    return Grid(first * width, width, last - first + 1)
