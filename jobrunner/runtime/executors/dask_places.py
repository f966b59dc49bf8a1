"""The Dask workers that jobrunner has met: what each runs for it, and which takes an order."""

import asyncio
from collections.abc import Iterator

from jobrunner.runtime.executors.order import Order


class Place:
    """One process of a Dask worker, and what it runs for us."""

    def __init__(self, address: str, process: str, *, threads: int, folder: str = "") -> None:
        """`process` is what it said to `hello`; `folder` is the one it made when it started."""
        self.address = address
        self.process = process
        self.threads = threads
        self.folder = folder
        self.open = True
        self.silent = False  # it did not answer, and gets nothing until it does
        self.stale = False  # it is no more, or not for us
        self.kept_for: Order | None = None
        self.orders: dict[Order, asyncio.Task[None]] = {}

    @property
    def is_shut(self) -> bool:
        """Whether it starts nothing, however little it has to do."""
        return not self.open or self.silent or self.stale

    @property
    def room(self) -> int:
        """How many more it would start at once, whatever they are."""
        return 0 if self.kept_for else self._free

    @property
    def _free(self) -> int:
        if self.is_shut or any(order.alone for order in self.orders):
            return 0
        return self.threads - len(self.orders)

    def fits(self, order: Order) -> bool:
        """Whether it would start the order at once, alone if it must."""
        if self.kept_for not in {None, order}:
            return False
        return self._free > 0 and not (order.alone and self.orders)


class Places:
    """All of them, by address, and the orders that wait for one."""

    def __init__(self) -> None:
        """None is known."""
        self.at: dict[str, Place] = {}
        self.waiting: list[Order] = []

    def __iter__(self) -> Iterator[Place]:
        """Each place, as they are now."""
        return iter(list(self.at.values()))

    @property
    def room(self) -> int:
        """How many more orders would start at once, after those that wait."""
        kept = sum(place.kept_for is not None for place in self)
        return max(0, sum(place.room for place in self) + kept - len(self.waiting))

    def running(self, order: Order) -> Place | None:
        """Where an order runs."""
        return next((place for place in self if order in place.orders), None)

    def take(self, order: Order) -> Place | None:
        """Where the order starts at once; `None` lets it wait."""
        fitting = [place for place in self if place.fits(order)]
        if not fitting:
            self.waiting.append(order)
            if order.alone:
                self._keep(order)
            return None
        self._unkeep(order)
        return max(fitting, key=lambda place: place.room)

    def _keep(self, order: Order) -> None:
        """Let one place empty itself for it: else there may always be another that runs there."""
        if any(place.kept_for == order and not place.is_shut for place in self):
            return
        self._unkeep(order)
        free = [place for place in self if not place.is_shut and place.kept_for is None]
        if free:
            min(free, key=lambda place: len(place.orders)).kept_for = order

    def _unkeep(self, order: Order) -> None:
        for place in self:
            if place.kept_for == order:
                place.kept_for = None

    def give_back(self, order: Order) -> bool:
        """Let an order wait no more. `False` says that it does not wait."""
        if order not in self.waiting:
            return False
        self.waiting.remove(order)
        self._unkeep(order)
        return True

    def give_back_all(self) -> list[Order]:
        """Let none wait; returns those that did."""
        waiting, self.waiting = self.waiting, []
        for place in self:
            place.kept_for = None
        return waiting
