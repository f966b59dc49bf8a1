"""Meet the Dask workers that a scheduler has, and remember which of them cannot run tasks."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jobrunner.runtime.executors.dask_cluster import Cluster, Found
from jobrunner.runtime.executors.dask_places import Place, Places
from jobrunner.runtime.perform import one_line

ASK_AGAIN_AFTER: Final = 30.0
"""Seconds until a Dask worker that cannot run tasks is asked again."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the process of a Dask worker gets nothing, and until when by the loop's clock."""

    folder: str
    why: str
    until: float


class Greeter:
    """Says hello to each process of a Dask worker before it gets work."""

    def __init__(self, places: Places) -> None:
        """`places` is what it adds to."""
        self._places = places
        self._refusals: dict[str, Refusal] = {}

    def gone(self, found: Found) -> list[Place]:
        """The places that are no more, be it that another process has their address."""
        for place in self._places:
            place.stale |= _folder(found.get(place.address, {})) != place.folder
        return [place for place in self._places if place.stale]

    async def greet(self, cluster: Cluster, found: Found) -> str:
        """Meet those who have come, all at once: one that is silent must not keep the others.

        Returns what is wrong if none of them can run tasks.
        """
        asked = [address for address, worker in found.items() if self._is_due(address, worker)]
        await asyncio.gather(*(self._ask(cluster, address, found[address]) for address in asked))
        for place in self._places:
            place.open = found.get(place.address, {}).get("status") == "running"
        if any(not place.silent for place in self._places):
            return ""
        for address in self._refusals.keys() & found.keys():
            why = self._refusals[address].why
            return f"has a worker {address} that cannot run tasks: {why}"
        return "has no workers"

    def refuse(self, address: str, folder: str, why: str, *, again: bool = True) -> None:
        """Send nothing to this process of a Dask worker for a while or, without `again`, ever."""
        now = asyncio.get_running_loop().time()
        until = now + ASK_AGAIN_AFTER if again else math.inf
        self._refusals[address] = Refusal(folder, why, until)

    def _is_due(self, address: str, worker: Mapping[str, Any]) -> bool:
        place, refusal = self._places.at.get(address), self._refusals.get(address)
        if place is not None and not place.silent:
            return False
        if refusal is None or refusal.folder != _folder(worker):
            return True
        return refusal.until <= asyncio.get_running_loop().time()

    async def _ask(self, cluster: Cluster, address: str, worker: Mapping[str, Any]) -> None:
        answer = await cluster.hello(address)
        self._refusals.pop(address, None)
        if isinstance(answer, str):
            self._meet(address, answer, worker)
        elif answer is not None:
            self.refuse(address, _folder(worker), one_line(answer))

    def _meet(self, address: str, process: str, worker: Mapping[str, Any]) -> None:
        known = self._places.at.get(address)
        if known is not None and known.process == process:
            known.silent = False
            return
        place = Place(address, process, threads=worker["nthreads"], folder=_folder(worker))
        self._places.at[address] = place


def _folder(worker: Mapping[str, Any]) -> str:
    """What tells a process from the one that had its address: the folder that it made itself.

    The `id` that Dask gives is its name, which is the address unless somebody says another.
    """
    return str(worker.get("local_directory", "gone"))
