"""The job of the demonstration: its folder, its tasks and their dependencies."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jobrunner.core.events import ignore
from jobrunner.core.new_task import NewTask
from jobrunner.core.task import TaskId
from jobrunner.demo import tasks
from jobrunner.task_queue import TaskQueue

DATABASE: Final = "demo.db"

INDEXED: Final = 100
"""Modules that the long task goes through."""

INDEX_SECONDS: Final = 2.5
"""How long the long task takes at least, all of it at its later pace."""

SOON: Final = 100
"""The priority of the few tasks that come before all files."""

HEAVY: Final = 10_000
"""Bytes of a module that lift its priority by one: the heavy ones come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The stored job: where it works, and the ids of its tasks.

    `sources` are the modules' names and where they came from; `compress` and `checksum` are
    the tasks of each.
    """

    folder: Path
    queue: TaskQueue
    sources: Mapping[str, Path]
    compress: Mapping[str, TaskId]
    checksum: Mapping[str, TaskId]
    manifest: TaskId
    index: TaskId
    unsteady: TaskId
    doomed: TaskId
    unreached: TaskId

    @property
    def ids(self) -> list[TaskId]:
        """All its tasks."""
        few = (self.manifest, self.index, self.unsteady, self.doomed, self.unreached)
        return [*few, *self.compress.values(), *self.checksum.values()]

    @property
    def indexed(self) -> list[str]:
        """The modules that the long task goes through, in its order."""
        return list(self.sources)[:INDEXED]


def copy_sources(folder: Path, sources: Mapping[str, Path]) -> int:
    """Copy the modules to where they are worked on; returns the bytes copied."""
    modules = folder / tasks.MODULES
    modules.mkdir()
    copies = [shutil.copyfile(path, modules / name) for name, path in sources.items()]
    return sum(copy.stat().st_size for copy in copies)


def enqueue(folder: Path, sources: Mapping[str, Path]) -> Job:
    """Make the database and store the whole job in it, in one transaction.

    Every second module waits for the unsteady task, so that there is work left when the kill,
    which waits for it too, has happened.
    """
    queue = TaskQueue(folder / DATABASE, emit=ignore)
    queue.registry = tasks.functions.registry
    unsteady = tasks.unsteady.using(priority=SOON).bind()
    compress = [
        _compress(folder, name, after=[unsteady] if number % 2 else [])
        for number, name in enumerate(sources)
    ]
    checksum = [
        tasks.sha256.using(after=[packed], priority=packed.priority + 1).bind(str(folder), name)
        for name, packed in zip(sources, compress, strict=True)
    ]
    manifest = tasks.manifest.using(after=checksum).bind(str(folder), list(sources))
    index = tasks.index.using(priority=SOON, description="index of definitions").bind(
        str(folder), list(sources)[:INDEXED], INDEX_SECONDS
    )
    doomed = tasks.doomed.using(priority=SOON).bind()
    unreached = tasks.unreached.using(after=[doomed]).bind()
    few = [manifest, index, unsteady, doomed, unreached]
    ids = queue.enqueue_ids([*few, *compress, *checksum])
    many = len(few) + len(sources)
    return Job(
        folder=folder,
        queue=queue,
        sources=sources,
        compress=dict(zip(sources, ids[len(few) : many], strict=True)),
        checksum=dict(zip(sources, ids[many:], strict=True)),
        manifest=ids[0],
        index=ids[1],
        unsteady=ids[2],
        doomed=ids[3],
        unreached=ids[4],
    )


def _compress(folder: Path, name: str, *, after: Sequence[NewTask[Any]]) -> NewTask[Any]:
    modules = folder / tasks.MODULES
    program = ["gzip", "-kf"] if shutil.which("gzip") else [sys.executable, "-IS", "-m", "gzip"]
    return NewTask(
        command=[*program, name],
        cwd=str(modules),
        after=after,
        priority=(modules / name).stat().st_size // HEAVY,
    )
