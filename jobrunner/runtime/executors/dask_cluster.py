"""What jobrunner asks of a Dask cluster, so that silence anywhere ends in an answer."""

import asyncio
import contextlib
import functools
from collections.abc import Mapping
from typing import Any, Final

import distributed

from jobrunner.core.outcome import Crashed, Failed, Lost, Outcome, Released
from jobrunner.core.signals import StopReason
from jobrunner.runtime.executors import remote
from jobrunner.runtime.executors.dask_places import Place
from jobrunner.runtime.executors.dask_site import (
    OtherDatabaseError,
    OtherProcessError,
    hello,
    run_once,
)
from jobrunner.runtime.executors.order import Order
from jobrunner.runtime.perform import one_line

ANSWER_WITHIN: Final = 5.0
"""Seconds for Dask to answer, after which nothing is sent there until it does."""

Found = Mapping[str, Mapping[str, Any]]
"""What the scheduler says of its workers, by address."""


class Cluster:
    """A scheduler and its workers, through a client that is connected."""

    def __init__(self, client: Any, name: str) -> None:
        """`client` is asynchronous; `name` is what people know the scheduler by."""
        self._client = client
        self._name = name

    async def workers(self) -> Found:
        """The workers that there are.

        Raises:
            Exception: the scheduler does not answer.
        """
        async with asyncio.timeout(ANSWER_WITHIN):
            told = await self._client.scheduler.identity(n_workers=-1)
        found: Found = told["workers"]
        return found

    async def hello(self, address: str) -> str | Exception | None:
        """Who a worker is, what keeps it from running tasks, or `None` if it is gone."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                said = await self._client.run(hello, workers=[address], on_error="return")
        except TimeoutError:
            return TimeoutError(f"no answer for {ANSWER_WITHIN:g} s")
        except Exception as error:  # noqa: BLE001 — it is told as what keeps it
            return error
        answer: str | Exception | None = said.get(address)
        return answer

    async def run(self, order: Order, place: Place) -> Outcome:
        """See one order to its end in the process of a place, never in another.

        Raises:
            OtherProcessError: it is no more; see `after_death`.
            OtherDatabaseError: it serves another database, and has not begun the order.
        """
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
            outcome: Outcome = await future
        except distributed.KilledWorker:
            return Crashed(f"the Dask worker {place.address} died")
        except distributed.CancelledError:
            return Lost(f"{self._name} has forgotten it")
        except (OtherProcessError, OtherDatabaseError):
            raise
        except Exception as error:  # noqa: BLE001 — whatever Dask raises, the order must end
            return Failed(f"the executor failed: {one_line(error)}")
        finally:
            future.release()
        return outcome

    async def after_death(self, order: Order, place: Place, *left: str) -> Outcome:
        """How an order ended whose process is no more, or has been for a while.

        One that was sent when another process had the address already was not begun: then the
        scheduler has never taken it from a worker again. `left` are the states that it has gone
        to, all told, from the one of running there.
        """
        with contextlib.suppress(Exception):
            async with asyncio.timeout(ANSWER_WITHIN):
                story = await self._client.scheduler.get_story(keys_or_stimuli=[order.key])
            if [after for _, before, after, *_ in story if before == "processing"] == [*left]:
                return Released()
        return Crashed(f"the Dask worker {place.address} died or was removed")

    async def stop(self, order: Order, place: Place, reason: StopReason, *, force: bool) -> bool:
        """Tell an order to end where it runs. `False` says that nobody answered."""
        stop = functools.partial(remote.stop, order, reason, force=force)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(ANSWER_WITHIN):
                said = await self._client.run(stop, workers=[place.address], on_error="ignore")
            return place.address in said
        return False
