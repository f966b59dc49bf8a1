"""Run functions on a Dask cluster, whose scheduler anybody may have started."""

import asyncio
import contextlib
import functools
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import distributed

from jobrunner.core.outcome import Crashed, Failed, Lost, Outcome, Released
from jobrunner.core.signals import StopReason
from jobrunner.runtime.executors import remote
from jobrunner.runtime.executors.dask_site import OtherProcessError, hello, run_once
from jobrunner.runtime.executors.order import Order
from jobrunner.runtime.perform import one_line

T = TypeVar("T")

LOOK_EVERY: Final = 0.5
"""Seconds between two looks at which Dask workers there are."""

ANSWER_WITHIN: Final = 5.0
"""Seconds for the scheduler to answer, after which nothing is claimed until it does."""


class Place:
    """One Dask worker, and what it runs for us."""

    def __init__(self, address: str, process: str, threads: int) -> None:
        """`process` is what it said to `hello`."""
        self.address = address
        self.process = process
        self.threads = threads
        self.open = True
        self.orders: dict[Order, asyncio.Task[None]] = {}

    def fits(self, order: Order) -> bool:
        """Whether it would start the order at once, alone if it must."""
        return self.room > 0 and not (order.alone and self.orders)

    @property
    def room(self) -> int:
        """How many more it would start at once."""
        if not self.open or any(order.alone for order in self.orders):
            return 0
        return self.threads - len(self.orders)


class DaskExecutor:
    """Gives each order to one thread of one Dask worker.

    An order is bound to the process of that worker: it never runs in another one, whatever the
    scheduler is set to, and it runs in that one once. All fields belong to the loop's thread.
    """

    def __init__(self, *, address: str) -> None:
        """`address` is the Dask scheduler's, such as tcp://host:8786."""
        self._scheduler = f"the Dask scheduler {address}"
        self._address = address
        self._trouble = ""
        self._client: Any = None
        self._connected = False
        self._places: dict[str, Place] = {}
        self._waiting: list[Order] = []
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
        """Tell it through its context; with `force`, raise into its thread."""
        self._call(lambda: self._stop(order, reason, force=force))

    def capacity(self) -> int:
        """How many threads are free, once nothing waits for one."""
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
        if self._waiting or not self._is_connected():
            return 0
        return sum(place.room for place in self._places.values())

    def _is_connected(self) -> bool:
        """Whether the connection was never lost: a second one would find nothing of ours."""
        self._connected = self._connected and self._client.status == "running"
        return self._connected

    def _live(self) -> None:
        with self._runner, contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._serving)

    async def _serve(self) -> None:
        while True:
            try:
                await self._connect()
                self._trouble = f"{self._scheduler} has gone"
            except Exception as error:  # noqa: BLE001 — whatever it is, it is tried again
                self._trouble = f"{self._scheduler} cannot be reached: {one_line(error)}"
            self._connected = False
            for address in list(self._places):
                self._drop(address, Lost(f"{self._scheduler} has gone"))
            self._ended.extend((order, Released()) for order in self._waiting)
            self._waiting = []
            await asyncio.sleep(LOOK_EVERY)

    async def _connect(self) -> None:
        """Connect, and look after the workers until the connection is lost."""
        connect: Any = distributed.Client  # it has no types
        options = {"asynchronous": True, "set_as_default": False, "timeout": ANSWER_WITHIN}
        self._client = connect(self._address, **options)
        try:
            await self._client
            self._connected = True
            looking = self._loop.create_task(self._look_after_workers())
            while self._is_connected():  # noqa: ASYNC110 — it sets no event
                await asyncio.sleep(LOOK_EVERY)
            looking.cancel()
        finally:
            await self._client.close()

    async def _look_after_workers(self) -> None:
        while True:
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    await self._look()
            except Exception as error:  # noqa: BLE001 — whether it is lost, `_connect` sees
                self._trouble = f"{self._scheduler} does not answer: {one_line(error)}"
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self) -> None:
        """See which workers have come, gone, or take no work for now."""
        found = (await self._client.scheduler.identity(n_workers=-1))["workers"]
        for address in self._places.keys() - found.keys():
            self._drop(address, Crashed(f"the Dask worker {address} died or was removed"))
        problem = "has no workers"
        for address in found.keys() - self._places.keys():
            said = await self._client.run(hello, workers=[address], on_error="return")
            if isinstance(answer := said.get(address), str):
                self._places[address] = Place(address, answer, found[address]["nthreads"])
            elif answer is not None:
                problem = f"has a worker {address} that cannot run tasks: {one_line(answer)}"
        for address, place in self._places.items():
            place.open = found.get(address, {}).get("status") == "running"
        self._trouble = "" if self._places else f"{self._scheduler} {problem}"
        self._place_waiting()

    def _drop(self, address: str, outcome: Outcome) -> None:
        place = self._places.pop(address)
        for order in list(place.orders):
            self._end(order, place, outcome)

    def _place(self, order: Order) -> None:
        fitting = [place for place in self._places.values() if place.fits(order)]
        if not fitting or not self._is_connected():
            self._waiting.append(order)
            return
        place = max(fitting, key=lambda place: place.room)
        place.orders[order] = self._loop.create_task(self._run(order, place))

    def _place_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for order in waiting:
            self._place(order)

    def _end(self, order: Order, place: Place, outcome: Outcome) -> None:
        place.orders.pop(order).cancel()  # at its own end this does nothing
        self._ended.append((order, outcome))
        self._place_waiting()
        self._wake()

    async def _run(self, order: Order, place: Place) -> None:
        """See one order to its end."""
        future = self._client.submit(
            run_once,
            order,
            place.process,
            key=order.key,
            workers=[place.address],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        try:
            outcome = await future
        except (distributed.KilledWorker, OtherProcessError):
            outcome = Crashed(f"the Dask worker {place.address} died")
        except distributed.CancelledError:
            self._is_connected()  # before the client connects again
            outcome = Lost(f"{self._scheduler} has forgotten it")
        except Exception as error:  # noqa: BLE001 — whatever Dask raises, the order must end
            outcome = Failed(f"the executor failed: {one_line(error)}")
        finally:
            future.release()
        self._end(order, place, outcome)

    def _stop(self, order: Order, reason: StopReason, *, force: bool) -> None:
        if force and order in self._waiting:
            self._waiting.remove(order)
            self._ended.append((order, Released()))
        for place in self._places.values():
            if order in place.orders:
                telling = self._loop.create_task(self._tell(order, place, reason, force=force))
                self._told.add(telling)  # the loop itself keeps only weak references
                telling.add_done_callback(self._told.discard)

    async def _tell(self, order: Order, place: Place, reason: StopReason, *, force: bool) -> None:
        with contextlib.suppress(OSError):
            async with asyncio.timeout(ANSWER_WITHIN):
                stop = functools.partial(remote.stop, order, reason, force=force)
                await self._client.run(stop, workers=[place.address], on_error="ignore")
        await asyncio.sleep(2 * remote.LET_GO_AFTER if force else 0)
        if force and order in place.orders:  # Dask has not begun it, and will not now
            self._end(order, place, Released())
