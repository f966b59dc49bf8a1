"""The examination of the demonstration: looks at files and history itself, trusting no task."""

import hashlib
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus
from jobrunner.demo import tasks
from jobrunner.demo.job import Job
from jobrunner.demo.play import Kill


def problems(job: Job, kill: Kill | None) -> list[str]:
    """What is wrong with how the job was done, a sentence each; nothing if all is right."""
    found = [
        *wrong_files(job),
        *wrong_manifest(job),
        *wrong_statuses(job),
        *wrong_histories(job),
        *wrong_recovery(job, kill),
    ]
    return found + [f"The database is not sound: {problem}." for problem in job.queue.check()]


def wrong_files(job: Job) -> Iterator[str]:
    """Compressed forms and checksums that do not agree with the library's own file."""
    for name, source in job.sources.items():
        original = source.read_bytes()
        try:
            unpacked = tasks.unpack(job.folder, name)
        except (OSError, EOFError, zlib.error) as error:
            yield f"{name}.gz cannot be unpacked: {error}."
            continue
        if unpacked != original:
            yield f"{name}.gz is not {source}."
        checksum = hashlib.sha256(original).hexdigest()
        if _text(tasks.checksum_file(job.folder, name)) != f"{checksum}  {name}\n":
            yield f"The checksum file of {name} is missing or wrong."
        if job.queue.get(job.checksum[name]).returned != checksum:
            yield f"The task for the checksum of {name} did not return it."


def wrong_manifest(job: Job) -> Iterator[str]:
    """A manifest that does not list every file."""
    lines = [
        f"{hashlib.sha256(source.read_bytes()).hexdigest()}  {name}\n"
        for name, source in job.sources.items()
    ]
    if _text(job.folder / tasks.MODULES / tasks.MANIFEST) != "".join(lines):
        yield "The manifest is missing or wrong."


def wrong_statuses(job: Job) -> Iterator[str]:
    """Tasks that did not end as they were to."""
    exceptions = {job.doomed: Status.FAILED, job.unreached: Status.CANCELLED}
    for task_id in job.ids:
        task = job.queue.get(task_id)
        wanted = exceptions.get(task_id, Status.COMPLETED)
        if task.status is not wanted:
            yield f"Task {task_id} ({task.name}) is {task.status}, not {wanted}."
    if sum(job.queue.counts().values()) != len(job.ids):
        yield f"There are not just the {len(job.ids)} tasks that were enqueued."


def wrong_histories(job: Job) -> Iterator[str]:
    """Tasks that ran to their end more often than once, or were not tried as they were to be."""
    expected = {
        job.unsteady: ["failed", "failed", "completed"],
        job.doomed: ["failed", "failed", "failed"],
        job.unreached: [],
    }
    for task_id in job.ids:
        outcomes = [attempt.outcome for attempt in job.queue.history(task_id)]
        wanted = expected.get(task_id)
        if wanted is not None and outcomes != wanted:
            yield f"Task {task_id} ended as {outcomes}, not as {wanted}."
        elif wanted is None and Counter(outcomes)["completed"] != 1:
            yield f"Task {task_id} completed {Counter(outcomes)['completed']} times, not once."


def wrong_recovery(job: Job, kill: Kill | None) -> Iterator[str]:
    """A killed worker that was not noticed, or a task of his that did not go on where it stood."""
    if kill is None:
        yield "No worker was killed: the long task ended too early."
        return
    lost = [worker.id for worker in job.queue.workers() if worker.status is WorkerStatus.LOST]
    if lost != [kill.worker_id]:
        yield f"The lost workers are {lost}, not the one that was killed, {kill.worker_id}."
    ends = [(attempt.outcome, attempt.worker_id) for attempt in job.queue.history(job.index)]
    if [outcome for outcome, _ in ends] != ["lost", "completed"] or ends[0][1] != kill.worker_id:
        yield f"Task {job.index} was not lost with its worker and then completed: {ends}."
    yield from _wrong_index(job, kill.step)


def _wrong_index(job: Job, step: int) -> Iterator[str]:
    """Whether the second attempt began at the checkpoint, by what both have left behind."""
    lines = [line.split() for line in _text(job.folder / tasks.INDEX).splitlines()]
    first, second = ([name for attempt, name, _ in lines if attempt == n] for n in "12")
    start = len(job.indexed) - len(second)
    if not 0 < step <= start <= len(first):
        yield f"Task {job.index} went on from step {start}; before the kill it had stored {step}."
    if first != job.indexed[: len(first)] or second != job.indexed[start:]:
        yield f"Task {job.index} left out a step or took one in another order."


def _text(path: Path) -> str:
    """A file's text, empty if there is no such file."""
    return path.read_text() if path.is_file() else ""
