"""Quantiles and shapes of very many spans, from how many there are of each length."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Final

from jobrunner.core.report import Spread

DIGITS: Final = 3
"""To so many digits a span is rounded down, so that few lengths stand for a million of them."""

BINS: Final = 8
"""Bins of a shape for each power of ten."""

Shape = Mapping[int, int]
"""How many spans lie in which bin: see `bin_of`."""


def spread(counts: Mapping[int, int], longest: int) -> Spread | None:
    """The quantiles of spans, of which so many take so many microseconds; `None` for none.

    Nearest rank (Hyndman and Fan's definition 1): the shortest span that is at least as long
    as the given share of all.
    """
    number = sum(counts.values())
    if not number:
        return None
    spans = sorted(counts)
    passed = list(accumulate(counts[span] for span in spans))
    p50, p95, p99 = (
        spans[bisect_left(passed, -(-number * percent // 100))] / 1e6 for percent in (50, 95, 99)
    )
    return Spread(p50, p95, p99, longest / 1e6)


def shape(counts: Iterable[tuple[int, int]]) -> Shape:
    """The same spans in bins of equal width on a logarithmic scale."""
    found: dict[int, int] = {}
    for span, number in counts:
        at = bin_of(span)
        found[at] = found.get(at, 0) + number
    return found


def bin_of(span: int) -> int:
    """The bin of so many microseconds; what takes none is in the first."""
    return math.floor(BINS * math.log10(max(span, 1)))


def start_of(number: int) -> float:
    """Where a bin begins, in seconds."""
    return 10 ** (number / BINS) / 1e6
