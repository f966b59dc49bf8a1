"""A media pipeline: commands and functions in one graph, each given what the others found.

For each clip: a function probes it, two commands make renditions of it (here `dd` and `gzip` stand
in for ffmpeg), a function checks and publishes all three; and when all clips are done, a last one
writes the index. The whole graph is stored in one transaction. A clip that is broken ends its own
branch, and the index is written all the same.

    python media_pipeline.py
"""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

from jobrunner import NewTask, Scheduler, Status, TaskQueue

CLIPS = Path("clips")
OUT = Path("published")
HEADER = b"CLIP"

queue = TaskQueue("media.db")


@queue.task(max_attempts=1)
def probe(path: str) -> dict[str, Any]:
    """Look at a clip; what is none is refused."""
    data = Path(path).read_bytes()
    if not data.startswith(HEADER):
        raise ValueError(f"{path} is no clip")
    return {"name": Path(path).stem, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@queue.task
def publish(found: dict[str, Any], renditions: list[str]) -> str:
    """Move the renditions to where people see them; `found` is what the probe returned."""
    OUT.mkdir(exist_ok=True)
    for path in map(Path, renditions):
        if path.exists():  # not yet moved by an attempt before
            path.replace(OUT / path.name)
    return f"{found['name']}: {found['bytes']} bytes, {len(renditions)} renditions"


@queue.task
def index() -> int:
    """List what was published."""
    names = sorted(path.name for path in OUT.iterdir())
    Path("index.txt").write_text("\n".join(names) + "\n")
    return len(names)


def graph(clips: list[Path]) -> list[NewTask[Any]]:
    """All tasks of all clips; parents are named by the tasks themselves."""
    tasks: list[NewTask[Any]] = []
    published: list[NewTask[Any]] = []
    for clip in clips:
        looked = probe.bind(str(clip))
        preview, packed = f"{clip}.preview", f"{clip}.gz"
        commands = [
            ["dd", f"if={clip}", f"of={preview}", "bs=64", "count=1"],
            ["gzip", "--keep", "--force", str(clip)],
        ]
        renditions = [
            NewTask(command=argv, after=[looked], queue="render", timeout=timedelta(minutes=5))
            for argv in commands
        ]
        last = publish.using(after=renditions).bind(looked, [preview, packed])
        tasks += [looked, *renditions, last]
        published.append(last)
    return [*tasks, index.using(after_any=published).bind()]


def main() -> None:
    """Make some clips, one of them broken, and run the pipeline in two processes."""
    CLIPS.mkdir(exist_ok=True)
    for name in ("dawn", "noon", "dusk"):
        (CLIPS / f"{name}.clip").write_bytes(HEADER + name.encode() * 100)
    (CLIPS / "torn.clip").write_bytes(b"?")
    stored = queue.enqueue_many(graph(sorted(CLIPS.glob("*.clip"))))
    Scheduler(queue, workers=2, concurrency=2).run(until_empty=True)
    for task in (each.refresh() for each in stored):
        if task.function == "publish" and task.status is Status.COMPLETED:
            print(task.result())
    counts = queue.counts()
    print(f"{counts[Status.FAILED]} failed, {counts[Status.CANCELLED]} cancelled")
    print(Path("index.txt").read_text(), end="")


if __name__ == "__main__":
    main()
