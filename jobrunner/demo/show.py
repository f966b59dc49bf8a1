"""The whole demonstration: prepare the job, play it, examine it."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobrunner.core.report import Report
from jobrunner.demo.job import DATABASE, copy_sources, enqueue
from jobrunner.demo.play import Play, Talk
from jobrunner.demo.sources import find_sources
from jobrunner.demo.verdict import problems

CONCURRENCY: Final = 2
"""Tasks that each worker runs at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How it went: the workers' statistics, and what was wrong, a sentence each."""

    report: Report
    problems: Sequence[str]
    files: int
    database: Path


def show(folder: Path, *, files: int, workers: int, talk: Talk) -> Shown:
    """Do the job on so many files in an empty folder, with one of the workers killed.

    Raises:
        ConfigurationError: this Python's library has too few files.
        SchedulerError: the worker processes do not start.
    """
    sources = find_sources(files)
    size = copy_sources(folder, sources)
    version = platform.python_version()
    talk.say(f"Copied {len(sources)} modules of Python {version} ({size / 1e6:.1f} MB).")
    job = enqueue(folder, sources)
    talk.say(f"Enqueued {len(job.ids)} tasks: gzip and sha256 for each module, and 5 others.")
    talk.say(f"Starting {workers} worker processes, {CONCURRENCY} tasks at a time each.")
    play = Play(job, talk)
    try:
        report = play.run(workers=workers, concurrency=CONCURRENCY)
        talk.say("The workers are done. Examining every file and the whole history.")
        found = problems(job, play.kill)
    finally:
        job.queue.close()
    return Shown(
        report=report,
        problems=found,
        files=len(sources),
        database=folder / DATABASE,
    )
