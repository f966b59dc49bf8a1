"""The application of the pictures in docs/: a studio that takes in clips and publishes them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from jobrunner import NewTask, Retry, TaskQueue, context

DATABASE: Final = "studio.db"
HEADER: Final = b"CLIP"
STEPS: Final = 120
"""Parts of a film; each takes half a second to render."""

queue = TaskQueue(DATABASE)


class TornClipError(Exception):
    """What was handed in is no clip."""


class NoSpeechError(Exception):
    """There is nothing to write down."""


@queue.task(queue="ingest", max_attempts=1, timeout=60)
def ingest(clip: str) -> dict[str, Any]:
    """Look at what was handed in; what is no clip is refused."""
    data = Path(clip).read_bytes()
    time.sleep(0.4 + len(data) / 4_000)
    if not data.startswith(HEADER):
        raise TornClipError(f"{clip} begins with {data[:4].hex()}, not with {HEADER.hex()}")
    return {"clip": clip, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@queue.task(queue="render", max_attempts=4)
def captions(clip: str, language: str = "en") -> str:
    """Ask a service that is not always there; the first answer is that it is busy."""
    time.sleep(0.7)
    if context.attempt == 1:
        raise Retry("captions.example answered 503: busy", after=1.5)
    return f"{clip}.{language}.vtt"


@queue.task(queue="render", max_attempts=3, timeout=600)
def transcode(film: str, *, preset: str = "h264", api_key: str = "") -> str:
    """Render a film part by part; after a crash it goes on where it stood."""
    for part in context.resume(range(STEPS)):
        context.progress(part, STEPS, f"scene {part // 6 + 1}")
        time.sleep(0.5)
    return f"{film}.{preset}.mp4" if api_key else film


@queue.task(queue="ingest", max_attempts=3, timeout=120)
def publish(found: Any, *, seconds: float) -> str:
    """Hand all renditions of a clip over, the slow way; `found` is what `ingest` returned."""
    for part in range(20):
        context.progress(part, 20, "uploading")
        time.sleep(seconds / 20)
    return f"{found['clip']}: {found['bytes']} bytes"


@queue.task
def index(shelf: str) -> str:
    """List what is on a shelf."""
    return shelf


@queue.task(queue="render")
def thumbnail(number: int, width: int = 320) -> str:
    """Make a small picture, or find that there is none in this clip."""
    time.sleep(0.002 + number % 7 * 0.004)
    if number % 23 == 0:
        raise NoSpeechError(f"clip {number} has no sound between 0.0 s and {number % 9}.5 s")
    if number % 37 == 0:
        raise FileNotFoundError(f"/srv/clips/{number}.mov is gone")
    return f"{number}-{width}.webp"


@queue.task(queue="mail", max_attempts=2, concurrency_key="smtp:{host}")
def notify(host: str, number: int) -> str:
    """Tell a subscriber; one of these servers refuses now and then."""
    time.sleep(0.01)
    if number % 13 == 0:
        raise ConnectionError(f"{host} answered 451 4.7.1 to message {number}: try again later")
    return f"{host}: {number}"


@queue.schedule(every=timedelta(minutes=5))
@queue.task(queue="upkeep", max_attempts=1)
def sweep() -> int:
    """Remove what nobody needs any more."""
    time.sleep(0.02)
    return 3


@queue.schedule("*/15 * * * *", tz="Europe/Paris")
@queue.task(queue="upkeep")
def audience() -> int:
    """Ask how many have watched."""
    return 1_204


@queue.schedule("0 2 * * *", tz="Europe/Paris", missed="one")
@queue.task(queue="reports", timeout=600)
def nightly(day: str = "yesterday") -> str:
    """Add the day up."""
    return day


@queue.schedule("30 8 * * MON", tz="America/New_York", overlap="queue")
@queue.task(queue="reports")
def charts() -> str:
    """What was watched most."""
    return "charts"


def make_clips(names: Iterable[str]) -> list[str]:
    """Files to work on, in the present folder; the last one is torn."""
    found: list[str] = []
    for number, name in enumerate(names):
        path = Path(f"{name}.clip")
        path.write_bytes(HEADER + name.encode() * (100 + 60 * number))
        found.append(path.name)
    Path(found[-1]).write_bytes(b"\x00\x01\x02\x03" + bytes(900))
    return found


def evening(clips: Iterable[str]) -> tuple[list[NewTask[Any]], NewTask[Any]]:
    """The workflow of an evening, which fans out for each clip and in again; and its last task."""
    tasks: list[NewTask[Any]] = []
    published: list[NewTask[Any]] = []
    for number, clip in enumerate(clips):
        looked = ingest.using(description=f"ingest {clip}").bind(clip)
        preview = _command(f"preview {clip}", f"sleep 1.{3 * number}; head -c 64 {clip}", looked)
        packed = _command(f"pack {clip}", f"sleep 2.{9 - 3 * number}; gzip -kf {clip}", looked)
        spoken = captions.using(after=[looked], description=f"captions {clip}").bind(clip)
        last = publish.using(
            after=[preview, packed, spoken], description=f"publish {clip}", priority=5
        ).bind(looked, seconds=12.0 + 4 * number)
        tasks += [looked, preview, packed, spoken, last]
        published.append(last)
    listed = index.using(after_any=published, description="index of the evening").bind("evening")
    return [*tasks, listed], listed


def _command(description: str, script: str, after: NewTask[Any]) -> NewTask[Any]:
    return NewTask(
        command=["sh", "-c", script],
        description=description,
        after=[after],
        queue="render",
        timeout=timedelta(minutes=5),
    )
