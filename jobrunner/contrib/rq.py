"""The pending jobs of RQ, read from its Redis and never written there."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

from jobrunner.core import rq_job
from jobrunner.core.errors import ConfigurationError, DatabaseError
from jobrunner.core.foreign import Foreign

_ENDED = frozenset({None, b"finished"})
"""What nobody waits for any more; RQ takes a job that is gone for one that has finished."""


def pending(url: str, *, allow_pickle: bool) -> list[Foreign]:
    """What waits there: in the queues, for its time, and for other jobs.

    Raises:
        ConfigurationError: the client of Redis is not installed, or the URL has no meaning.
        DatabaseError: the server does not answer, or with something else.
    """
    try:
        redis: Any = import_module("redis")
    except ImportError as error:
        raise ConfigurationError(
            "the client of Redis is not installed", hint="Install the extra: durable-jobrunner[rq]."
        ) from error
    try:
        client = redis.Redis.from_url(url)
    except ValueError as error:
        raise ConfigurationError(
            f"the URL cannot be read: {error}", hint="Write it as redis://HOST:6379/0."
        ) from error
    try:
        with client:
            return _all(client, allow_pickle=allow_pickle)
    except redis.RedisError as error:
        raise DatabaseError(
            f"the Redis server cannot be asked: {error}", hint="Is the URL right, and is it up?"
        ) from error


def _all(client: Any, *, allow_pickle: bool) -> list[Foreign]:
    found: dict[str, Foreign] = {}
    for job_id, at in _ids(client):
        values = client.hmget(f"rq:job:{job_id}", rq_job.FIELDS)
        told = {
            name: value
            for name, value in zip(rq_job.FIELDS, values, strict=True)
            if value is not None
        }
        if told:  # or it was deleted, and only its id is left
            job = rq_job.read(job_id, told, at=at, allow_pickle=allow_pickle)
            found.setdefault(job_id, job)
    return list(_without_ended(client, found.values()))


def _ids(client: Any) -> Iterator[tuple[str, float | None]]:
    """All that waits, by queues: its id, and when it is to run if it has a time."""
    keys = sorted(key.decode() for key in client.smembers("rq:queues"))
    for name in (key.removeprefix("rq:queue:") for key in keys):
        for job_id in client.lrange(f"rq:queue:{name}", 0, -1):
            yield job_id.decode(), None
        for job_id, at in client.zrange(f"rq:scheduled:{name}", 0, -1, withscores=True):
            yield job_id.decode(), at
        for job_id in client.zrange(f"rq:deferred:{name}", 0, -1):
            yield job_id.decode(), None


def _without_ended(client: Any, jobs: Iterable[Foreign]) -> Iterator[Foreign]:
    """The jobs, no longer waiting for those that have ended."""
    jobs = list(jobs)
    there = {job.key for job in jobs}
    for job in jobs:
        after = [key for key in job.after if key in there or not _has_ended(client, key, job)]
        yield replace(job, after=after)


def _has_ended(client: Any, key: str, job: Foreign) -> bool:
    status = client.hget(f"rq:job:{key.removeprefix(rq_job.key_of(''))}", "status")
    return status in _ENDED or (job.in_any_case and status == b"failed")
