"""What a task takes, by parts: `make profile` looks at the writing thread each millisecond.

The wall time of that thread, so that waiting for the disk counts as the wait it is. A signal
arrives when a call of C code returns: its time counts for the Python line that made the call, so a
function of SQLAlchemy that only calls the driver stands for the driver.
"""

import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.peers import jobrunner, protocol
from jobrunner import Worker
from jobrunner.runtime.collector import calm

EVERY = 0.001
COMMITS = {"do_commit"}
STATEMENTS = {"do_execute", "do_executemany", "fetchall", "_raw_all_rows"}
SQLITE = "storage/sqlite.py"
PARTS = {
    "json/": "JSON",
    "core/payload.py": "JSON",
    "sqlalchemy/": "SQLAlchemy",
    "jobrunner/storage/": "storage",
    "jobrunner/runtime/": "runtime",
    "jobrunner/": "the rest of jobrunner",
}

Load = Callable[[str], tuple[int, Callable[[], object]]]
"""Makes ready in a folder: how many tasks it is about, and what is to be looked at."""


def single(url: str) -> tuple[int, Callable[[], object]]:
    """Enqueued one by one, by one thread."""
    jobrunner.opened(url)
    number = 3_000
    return number, lambda: [jobrunner.perform.enqueue(protocol.PAYLOAD) for _ in range(number)]


def bulk(url: str) -> tuple[int, Callable[[], object]]:
    """Enqueued at once."""
    queue = jobrunner.opened(url)
    new = [jobrunner.new(protocol.PAYLOAD) for _ in range(100_000)]
    return len(new), lambda: queue.enqueue_ids(new)


def _drained(url: str, payloads: Sequence[str], shape: str = "") -> Callable[[], object]:
    jobrunner.CONTESTANT.fill(url, payloads, shape)
    worker = Worker(jobrunner.QUEUE, concurrency=jobrunner.SLOTS)
    calm()
    return lambda: worker.run(until_empty=True)


def drain(url: str) -> tuple[int, Callable[[], object]]:
    """Drained, 100 bytes of arguments each."""
    return 40_000, _drained(url, [protocol.PAYLOAD] * 40_000)


def long(url: str) -> tuple[int, Callable[[], object]]:
    """Drained, 10 KiB of arguments each."""
    return 20_000, _drained(url, ["x" * 10_240] * 20_000)


def layered(url: str) -> tuple[int, Callable[[], object]]:
    """Drained, in layers of a hundred that each wait for two of the layer before."""
    return 10_000, _drained(url, [protocol.PAYLOAD] * 10_000, "layered")


def chain(url: str) -> tuple[int, Callable[[], object]]:
    """Drained, each after the one before."""
    return 2_000, _drained(url, [protocol.PAYLOAD] * 2_000, "chain")


LOADS: dict[str, Load] = {
    "single": single,
    "bulk": bulk,
    "drain": drain,
    "payload": long,
    "layered": layered,
    "chain": chain,
}


def part(frame: FrameType) -> str:
    """What the thread does there, in a word or two."""
    name, file = frame.f_code.co_name, frame.f_code.co_filename
    if name in COMMITS:
        return "commit"
    if name in STATEMENTS or (name == "run" and file.endswith(SQLITE)):
        return "statements in SQLite"
    if file.endswith("wakeup.py") or (file.endswith("threading.py") and name == "wait"):
        return "waits for work"
    return next((told for place, told in PARTS.items() if place in file), "Python's library")


@contextmanager
def sampled(found: Counter[str]) -> Iterator[None]:
    """Count what the main thread does, each millisecond of wall time."""

    def note(_signal: int, frame: FrameType | None) -> None:
        if frame is not None:
            found[part(frame)] += 1

    before = signal.signal(signal.SIGALRM, note)
    signal.setitimer(signal.ITIMER_REAL, EVERY, EVERY)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def profile(load: Load) -> list[str]:
    """The lines of one load: its microseconds a task, then the share of each part."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        number, act = load(str(Path(folder)))
        found: Counter[str] = Counter()
        wall, cpu, own = time.perf_counter(), time.process_time(), time.thread_time()
        with sampled(found):
            act()
        spent: Any = time.perf_counter() - wall, time.process_time() - cpu, time.thread_time() - own
        jobrunner.QUEUE.close()
    each = [seconds / number * 1e6 for seconds in spent]
    total = sum(found.values())
    told = f"{load.__doc__} {each[0]:,.1f} µs a task ({1e6 / each[0]:,.0f}/s);"
    told += f" CPU {each[1]:,.1f}, of this thread {each[2]:,.1f}"
    rows = [
        f"  {count / total:>5.0%} {each[0] * count / total:>8,.1f} µs  {name}"
        for name, count in found.most_common()
        if count / total >= 0.01  # noqa: PLR2004 — a hundredth is noise
    ]
    return [told, *rows]


def main(names: Sequence[str]) -> None:
    """Profile the loads of these names, or all."""
    for name in names or LOADS:
        print("\n".join(profile(LOADS[name])), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
