"""Run functions on a Dask cluster, whose scheduler anybody may have started."""

import asyncio
import contextlib
import logging
import re
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any, Final, TypeVar

import distributed

from jobrunner.core.errors import ConfigurationError
from jobrunner.core.outcome import Lost, Outcome, Released
from jobrunner.core.signals import StopReason
from jobrunner.runtime.executors import remote
from jobrunner.runtime.executors.dask_cluster import ANSWER_WITHIN, Cluster
from jobrunner.runtime.executors.dask_greeter import Greeter
from jobrunner.runtime.executors.dask_places import Place, Places
from jobrunner.runtime.executors.dask_site import OtherDatabaseError, OtherProcessError
from jobrunner.runtime.executors.order import Order
from jobrunner.runtime.perform import one_line

T = TypeVar("T")

LOOK_EVERY: Final = 0.5
"""Seconds between two looks at which Dask workers there are."""

_ADDRESS: Final = re.compile(r"((tcp|tls|ucx|wss?)://)?(\[[^\]]+\]|[^/:\s]+):\d+")
_LOGGERS: Final = ("distributed", "distributed.client", "tornado.application")


class DaskExecutor:
    """Gives each order to one thread of one Dask worker.

    An order is bound to the process of that worker: it never runs in another one, whatever the
    scheduler is set to, and it runs in that one once. All fields belong to the loop's thread.
    """

    def __init__(self, *, address: str) -> None:
        """`address` is the Dask scheduler's, such as tcp://host:8786.

        Raises:
            ConfigurationError: it is no address.
        """
        if not _ADDRESS.fullmatch(address):
            raise ConfigurationError(
                f"{address!r} is not the address of a Dask scheduler",
                hint="Give what it says when it starts, such as tcp://host:8786.",
            )
        self._scheduler = f"the Dask scheduler {address}"
        self._address = address
        self._trouble = ""
        self._client: Any = None
        self._connected = False
        self._places = Places()
        self._greeter = Greeter(self._places)
        self._ended: deque[tuple[Order, Outcome]] = deque()
        self._told: set[asyncio.Task[None]] = set()

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to connect, and go on until it works."""
        self._wake = wake
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._serving = self._loop.create_task(self._serve())
        self._thread = threading.Thread(target=self._live, name="jobrunner-dask", daemon=True)
        self._thread.start()

    def submit(self, order: Order) -> None:
        """Give it to a Dask worker that has a free thread, as soon as there is one."""
        self._call(lambda: self._place(order))

    def poll(self) -> Iterable[tuple[Order, Outcome]]:
        """What has ended."""
        while self._ended:
            yield self._ended.popleft()

    def cancel(self, order: Order, reason: StopReason, *, force: bool) -> None:
        """Tell it through its context; with `force`, raise into its thread.

        One that waits for a Dask worker is given back.
        """
        self._call(lambda: self._stop(order, reason, force=force))

    def capacity(self) -> int:
        """How many threads are free, after what waits for one."""
        return self._call(self._room)

    def close(self) -> None:
        """Leave the cluster."""
        self._call(self._serving.cancel)
        self._thread.join()

    def _call(self, function: Callable[[], T]) -> T:
        """Call in the loop's thread."""

        async def call() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result()

    def _room(self) -> int:
        if self._trouble:
            raise ConnectionError(self._trouble)
        return self._places.room if self._is_connected() else 0

    def _is_connected(self) -> bool:
        """Whether the connection was never lost: a second one would find nothing of ours."""
        self._connected = self._connected and self._client.status == "running"
        return self._connected

    def _live(self) -> None:
        with self._runner, _quiet(), contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._serving)

    async def _serve(self) -> None:
        while True:
            try:
                await self._connect()
                self._trouble = f"{self._scheduler} has gone"
            except Exception as error:  # noqa: BLE001 — whatever it is, it is tried again
                self._trouble = f"{self._scheduler} cannot be reached: {one_line(error)}"
            self._connected = False
            self._leave()
            await asyncio.sleep(LOOK_EVERY)

    async def _connect(self) -> None:
        """Connect, and look after the workers until the connection is lost."""
        connect: Any = distributed.Client  # it has no types
        options = {"asynchronous": True, "set_as_default": False, "timeout": ANSWER_WITHIN}
        self._client = connect(self._address, **options)
        self._cluster = Cluster(self._client, self._scheduler)
        try:
            await self._client
            self._connected = True
            looking = self._loop.create_task(self._look_after_workers())
            while self._is_connected():  # noqa: ASYNC110 — it sets no event
                await asyncio.sleep(LOOK_EVERY)
            looking.cancel()
        finally:
            await self._client.close()

    def _leave(self) -> None:
        """Give everything up: another connection would find nothing of ours."""
        self._ended.extend((order, Released()) for order in self._places.give_back_all())
        for place in self._places:
            del self._places.at[place.address]
            for order in list(place.orders):
                self._end(order, place, Lost(f"{self._scheduler} has gone"))

    async def _look_after_workers(self) -> None:
        while True:
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 — whether it is lost, `_connect` sees
                self._trouble = f"{self._scheduler} does not answer: {one_line(error)}"
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self) -> None:
        """See which workers have come, gone, or take no work for now."""
        found = await self._cluster.workers()
        for place in self._greeter.gone(found):
            await asyncio.gather(*(self._bury(order, place) for order in place.orders))
            del self._places.at[place.address]  # last: until then `_leave` ends what it runs
        problem = await self._greeter.greet(self._cluster, found)
        self._trouble = problem and f"{self._scheduler} {problem}"
        self._place_waiting()

    async def _bury(self, order: Order, place: Place) -> None:
        self._end(order, place, await self._cluster.after_death(order, place))

    def _place(self, order: Order) -> None:
        if not self._is_connected():
            self._places.waiting.append(order)
        elif place := self._places.take(order):
            place.orders[order] = asyncio.create_task(self._run(order, place))

    def _place_waiting(self) -> None:
        waiting, self._places.waiting = self._places.waiting, []
        for order in waiting:
            self._place(order)

    def _end(self, order: Order, place: Place, outcome: Outcome) -> None:
        if order not in place.orders:  # it has ended while its end was looked into
            return
        self._is_connected()  # before the client connects again
        place.orders.pop(order).cancel()  # at its own end this does nothing
        self._ended.append((order, outcome))
        self._place_waiting()
        self._wake()

    async def _run(self, order: Order, place: Place) -> None:
        """See one order to its end."""
        try:
            outcome = await self._cluster.run(order, place)
        except OtherProcessError:
            place.stale = True
            outcome = await self._cluster.after_death(order, place, "erred")
        except OtherDatabaseError as error:
            place.stale = True
            self._greeter.refuse(place.address, place.folder, str(error), again=False)
            outcome = Released()
        self._end(order, place, outcome)

    def _stop(self, order: Order, reason: StopReason, *, force: bool) -> None:
        if self._places.give_back(order):
            self._ended.append((order, Released()))
            self._wake()
        place = self._places.running(order)
        if place is not None:
            telling = asyncio.create_task(self._tell(order, place, reason, force=force))
            self._told.add(telling)  # the loop itself keeps only weak references
            telling.add_done_callback(self._told.discard)

    async def _tell(self, order: Order, place: Place, reason: StopReason, *, force: bool) -> None:
        if not await self._cluster.stop(order, place, reason, force=force):
            place.silent = True  # what it runs may go on: nobody else gets the thread for now
        elif force:
            await asyncio.sleep(2 * remote.LET_GO_AFTER)
        if force:  # Dask has not begun it, and will not now; or nobody knows
            self._end(order, place, Released())


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Keep Dask from printing tracebacks of what is told as trouble, one sentence of it."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
