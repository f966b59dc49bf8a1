"""Places that are filled once and copied for each measurement."""

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.contestant import Contestant
from benchmarks.places import Ground, Place


@dataclass(frozen=True)
class Filling:
    """What is in a place: nothing but the tables, unless something is said."""

    count: int = 0
    """Pending tasks."""
    start: str = "x"
    """What their payload begins with; see `protocol`."""
    length: int = 100
    """Bytes of each payload."""
    shape: str = ""
    """Of the graph that they make; see `peers.jobrunner`."""
    finished: int = 0
    """Tasks that have ended before."""


EMPTY = Filling()


class Stock:
    """The templates of a load; contestants of one module and ground share them."""

    def __init__(self, grounds: Mapping[str, Ground]) -> None:
        """`grounds` says by name how an empty place is made."""
        self._grounds = grounds
        self._templates: dict[tuple[str, str, Filling], Place] = {}
        self._lock = threading.Lock()

    @contextmanager
    def place(self, contestant: Contestant, filling: Filling = EMPTY) -> Generator[Place]:
        """A place that is filled so, for this once."""
        with self._lock:
            copy = self._template(contestant, filling).copy()
        try:
            yield copy
        finally:
            copy.close()

    def clear(self) -> None:
        """Throw the templates away."""
        while self._templates:
            self._templates.popitem()[1].close()

    def _template(self, contestant: Contestant, filling: Filling) -> Place:
        key = contestant.module, contestant.ground, filling
        if key not in self._templates:
            is_empty = filling == EMPTY
            ground = self._grounds[contestant.ground]
            place = ground() if is_empty else self._template(contestant, EMPTY).copy()
            try:
                if is_empty:
                    contestant.ask("install", place.url)
                else:
                    _fill(contestant, place, filling)
                place.rest()
            except BaseException:
                place.close()
                raise
            self._templates[key] = place
        return self._templates[key]


def _fill(contestant: Contestant, place: Place, filling: Filling) -> None:
    """First what has ended, then what is pending; tidy up."""
    quick = contestant.filling
    if filling.finished:
        contestant.ask("fill", place.url, settings=quick, count=filling.finished)
        for order in contestant.finish:
            place.execute(order)
    contestant.ask(
        "fill",
        place.url,
        settings=quick,
        count=filling.count,
        start=filling.start,
        size=filling.length,
        shape=filling.shape,
    )
    for order in contestant.tidy:
        place.execute(order)
