"""Drawings of the page: what ended when, where the time went, how long runs took."""

from collections.abc import Iterable, Mapping, Sequence

from jobrunner.core.quantiles import Shape, bin_of, start_of
from jobrunner.core.report import Spread
from jobrunner.core.report_detail import KINDS, Ends, Grid
from jobrunner.report_page.html import Html, element, join
from jobrunner.report_page.words import brief, clock, number, percent, time_ticks, top_of

WIDTH = 10
"""Units of a bucket or a bin."""

HEIGHT = 1_000

NAMES: Mapping[str, str] = {
    "completed": "completed",
    "failed": "failed",
    "timed_out": "timed out",
    "crashed": "crashed",
    "lost": "lost",
    "wasted": "failed or lost",
    "other": "put off, given back or cancelled",
    "idle": "idle",
}


def drawing(width: int, height: int, label: str, *inside: Html) -> Html:
    """An SVG that fills its place, whatever its shape: it holds no text."""
    return element(
        "svg",
        *inside,
        viewBox=f"0 0 {width} {height}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )


def legend(parts: Iterable[tuple[str, str, str]]) -> Html:
    """What the colours mean: of each the class, the name and a value."""
    return element(
        "ul",
        [
            element("li", element("i"), name, element("b", told) if told else None, class_=kind)
            for kind, name, told in parts
        ],
        class_="legend",
    )


def stack(parts: Sequence[tuple[str, str, float]], label: str) -> Html:
    """A bar of parts, each a class, a name and seconds, with the share of the whole."""
    whole = sum(seconds for _, _, seconds in parts)
    told = [
        (kind, name, f"{brief(seconds)}, {percent(seconds / whole)}", seconds / whole)
        for kind, name, seconds in parts
        if seconds > 0
    ]
    bar = element(
        "div",
        [
            element("span", class_=kind, style=f"flex:{share:.5f}", title=f"{name}: {text}")
            for kind, name, text, share in told
        ],
        class_="stack",
        role="img",
        aria_label=f"{label}: " + "; ".join(f"{name} {text}" for _, name, text, _ in told),
    )
    return join(bar, legend((kind, name, text) for kind, name, text, _ in told))


def pace(ends: Sequence[Ends], grid: Grid) -> Html:
    """What ended in each bucket, by what came of it."""
    top = top_of(max(sum(one) for one in ends))
    width = grid.number * WIDTH
    paths = [
        element("path", class_=kind, d=" ".join(_bars(ends, at, top)))
        for at, kind in enumerate(KINDS)
    ]
    lines = [
        element("line", x1=0, x2=width, y1=y, y2=y)
        for y in (HEIGHT // 4, HEIGHT // 2, HEIGHT * 3 // 4)
    ]
    ticks = [
        element("span", number(round(top * share, 2)), style=f"bottom:{share:.0%}")
        for share in (0.0, 0.5, 1.0)
        if top * share == int(top * share)
    ]
    label = f"What ended every {grid.width_text}, at most {number(top)} at once"
    return element(
        "div",
        element("div", ticks, class_="y", aria_hidden="true"),
        drawing(width, HEIGHT, label, *lines, *paths, *_hits(ends, grid)),
        axis(grid.first, grid.first + grid.width * grid.number),
        class_="plot",
    )


def axis(first: int, last: int) -> Html:
    """Moments along a line, in microseconds since the epoch."""
    return element("div", [_tick(at, told) for at, told in time_ticks(first, last)], class_="x")


def _tick(at: float, told: str) -> Html:
    edge = "first" if at < 0.06 else "last" if at > 0.94 else None  # noqa: PLR2004 — near the edge
    return element("span", told, style=f"left:{at:.2%}", class_=edge)


def _bars(ends: Sequence[Ends], kind: int, top: float) -> Iterable[str]:
    for at, one in enumerate(ends):
        if one[kind]:
            below = sum(one[:kind]) / top * HEIGHT
            height = one[kind] / top * HEIGHT
            yield f"M{at * WIDTH + 0.5} {HEIGHT - below - height:.1f}h9v{height:.1f}h-9z"


def _hits(ends: Sequence[Ends], grid: Grid) -> Iterable[Html]:
    """What is told of a bucket under the pointer."""
    for at, one in enumerate(ends):
        if sum(one):
            parts = zip(KINDS, one, strict=True)
            told = ", ".join(f"{count:,} {NAMES[kind]}" for kind, count in parts if count)
            begins = clock(grid.first + at * grid.width, grid.width)
            yield element("g", element("title", f"{begins}: {told}"), _hit(at))


def _hit(at: int) -> Html:
    return element("rect", class_="hit", x=at * WIDTH, y=0, width=WIDTH, height=HEIGHT)


def shape(found: Shape, spread: Spread | None, bounds: tuple[int, int], what: str) -> Html:
    """How often which span occurred, on a logarithmic scale; lines at the quantiles."""
    low, high = bounds
    most = max(found.values(), default=1)
    path = " ".join(
        f"M{(at - low) * WIDTH} 100h{WIDTH - 1}v{-max(count / most * 100, 2):.1f}h{1 - WIDTH}z"
        for at, count in sorted(found.items())
    )
    lines: list[Html] = []
    if spread is not None:
        for seconds, kind in ((spread.p50, None), (spread.p95, "far"), (spread.p99, "far")):
            x = (bin_of(round(seconds * 1e6)) - low + 0.5) * WIDTH
            lines.append(element("line", class_=kind, x1=x, x2=x, y1=0, y2=100))
    told = f"{what}: {quantiles(spread)}"
    width = (high - low + 1) * WIDTH
    return drawing(width, 100, told, element("path", class_="shape", d=path), *lines)


def quantiles(spread: Spread | None) -> str:
    """The same in words."""
    if spread is None:
        return "nothing has run"
    p50, p95, p99 = map(brief, (spread.p50, spread.p95, spread.p99))
    return f"half within {p50}, 95 % within {p95}, 99 % within {p99}"


def bounds(shapes: Iterable[Shape]) -> tuple[int, int]:
    """The first and the last bin of them all."""
    bins = [at for found in shapes for at in found]
    return min(bins, default=0), max(bins, default=0)


def scale(found: tuple[int, int]) -> str:
    """What the drawings reach from and to."""
    return f"{brief(start_of(found[0]))} to {brief(start_of(found[1] + 1))}"
