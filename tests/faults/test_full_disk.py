"""A disk that is really full: a file system of 1 MiB, in a mount namespace of the test's own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

# A user who is not root is root in a user namespace of his own.
OWN_MOUNTS = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--map-root-user"])]

PROGRAM = """
import json, os, subprocess, sys, threading
from pathlib import Path

from jobrunner import DatabaseError, NewTask, TaskQueue, Worker
from jobrunner.core.errors import DiskFullError
from jobrunner.core.status import Status
from jobrunner.runtime.clock import SystemClock
from jobrunner.runtime.wakeup import Wakeup

disk = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + sys.argv[2], "none", str(disk)], check=True)
told, told_lock = {}, threading.Lock()

def tell(word, value):
    with told_lock:
        told[word] = value

queue = TaskQueue(disk / "jobs.db", emit=lambda event: None)
go = threading.Event()

@queue.task
def waits(number):
    go.wait(60)
    return number

@queue.task
def filled(text):
    return len(text)

def fill(name="filler"):
    with (disk / name).open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(1024))
        except OSError as error:
            return error.strerror

def free():
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize

def refused(**fields):
    try:
        queue.enqueue_ids([NewTask(**fields)])
    except DiskFullError as error:
        return str(error)

def command(*words):
    ended = subprocess.run(
        [sys.executable, "-m", "jobrunner", "--db", str(disk / "jobs.db"), *words],
        capture_output=True, text=True,
    )
    return [ended.returncode, ended.stdout, ended.stderr]

def until(condition):
    wakeup = Wakeup(queue.database.watch(), SystemClock())
    try:
        while not condition():
            wakeup.wait(0.1)
    finally:
        wakeup.close()

def working(**limits):
    thread = threading.Thread(target=lambda: worker.run(**limits))
    worker = Worker(queue, concurrency=3)
    thread.start()
    return worker, thread

def ends(ids):
    return [[queue.get(i).status, [r.outcome for r in queue.history(i)]] for i in ids]
"""

WORK_ON_A_FULL_DISK = """
running = queue.enqueue_ids([NewTask(function="waits", args=(n,)) for n in range(3)])
worker, thread = working()
until(lambda: queue.counts()[Status.IN_PROGRESS] == 3)
tell("error of the filler", fill())
tell("free", free())
tell("enqueue", command("enqueue", "--", "true"))
go.set()
until(lambda: queue.counts()[Status.COMPLETED] == 3)
tell("recorded while full", ends(running))
tell("refused while full", refused(function="waits", args=(3,)))
(disk / "filler").unlink()
until(lambda: refused(function="waits", args=(4,)) is None)
until(lambda: queue.counts()[Status.COMPLETED] == 4)
worker.stop()
thread.join()
tell("reserve", (disk / "jobs.db.reserve").exists())
tell("check", queue.check())
print(json.dumps(told))
"""

ENQUEUE_UNTIL_REFUSED = """
accepted, said = [], None
while said is None:
    try:
        accepted += queue.enqueue_ids([NewTask(function="filled", args=("x" * 2000,))])
    except DatabaseError as error:
        said = [type(error).__name__, str(error)]
tell("said", said)
tell("accepted", len(accepted))
tell("free", free())
worker, thread = working(until_empty=True)
thread.join()
tell("ends", ends(accepted))
tell("check", queue.check())
print(json.dumps(told))
"""


@pytest.fixture
def on_a_small_disk(tmp_path) -> Callable[..., dict[str, Any]]:
    def run(drama: str, size: str = "1M") -> dict[str, Any]:
        can = subprocess.run([*OWN_MOUNTS, "true"], capture_output=True, text=True, check=False)
        assert can.returncode == 0, (
            "a full disk cannot be tried here: this machine permits no mount namespace"
            f" ({' '.join(OWN_MOUNTS)}: {can.stderr.strip()})"
        )
        (tmp_path / "disk").mkdir()
        ended = subprocess.run(
            [*OWN_MOUNTS, sys.executable, "-c", PROGRAM + drama, str(tmp_path / "disk"), size],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert not list((tmp_path / "disk").iterdir()), "it was mounted for others too"
        told: dict[str, Any] = json.loads(ended.stdout)
        return told

    return run


def test_on_a_full_disk_new_tasks_are_refused_and_running_ones_are_recorded(on_a_small_disk):
    told = on_a_small_disk(WORK_ON_A_FULL_DISK)
    assert told["error of the filler"] == "No space left on device"
    assert told["free"] == 0
    code, out, err = told["enqueue"]
    assert (code, out) == (4, "")
    assert "almost full" in err.splitlines()[0]
    assert told["recorded while full"] == [["completed", ["completed"]]] * 3
    assert "almost full" in told["refused while full"]
    assert told["reserve"]
    assert told["check"] == []


@pytest.mark.parametrize("size", ["1M", "8M"])
def test_tasks_that_fill_a_disk_are_refused_in_time_and_all_run_without_more_room(
    on_a_small_disk, size
):
    told = on_a_small_disk(ENQUEUE_UNTIL_REFUSED, size)
    kind, sentence = told["said"]
    assert kind == "DiskFullError"
    assert "almost full" in sentence
    assert told["accepted"] > 10
    assert told["free"] > 0
    assert told["ends"] == [["completed", ["completed"]]] * told["accepted"]
    assert told["check"] == []
