"""A write-ahead log that a power cut tore: what is left is a prefix of what was committed.

The history is of a process that was killed, so that its log is still there. Nobody has the files
open when they are changed, and each change is made to a copy of its own.
"""

import itertools
import os
import random
import signal
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from jobrunner import TaskQueue

EARLIER, LATER = 12, 8
"""Commits of the history before the log was begun anew, and after."""

AT_ONCE = 3
"""Tasks of one commit: it is whole, or not there."""

HEADER, FRAME_HEADER = 32, 24
OFFSETS = 150
COPIES = 20

WRITER = f"""
import itertools, os, signal, sys
from jobrunner import NewTask, TaskQueue

queue = TaskQueue(sys.argv[1], emit=lambda _: None)

def commit(number):
    queue.enqueue_ids([NewTask(function="work", args=(number,))] * {AT_ONCE})

def driver(statement):
    with queue.database._engine.connect() as connection:
        connection.connection.driver_connection.execute(statement).fetchall()
"""

HISTORY = f"""
for number in range(1, {EARLIER} + 1):
    commit(number)
driver("PRAGMA wal_checkpoint(RESTART)")
for number in range({EARLIER} + 1, {EARLIER + LATER} + 1):
    commit(number)
os.kill(os.getpid(), signal.SIGKILL)
"""

WITHOUT_END = """
from jobrunner.storage import sqlite
sqlite.PRAGMAS += ("PRAGMA wal_autocheckpoint=0",)
acked = os.open(sys.argv[2], os.O_CREAT | os.O_WRONLY)
for number in itertools.count(1):
    commit(number)
    os.pwrite(acked, b"%9d" % number, 0)
    if number == 1:
        print("ready", flush=True)
"""


class Torn(NamedTuple):
    """A database and its log, which holds frames of `page` bytes, each ending at an edge."""

    database: bytes
    log: bytes
    edges: list[int]
    """Where the frames of the newest history begin, and where the last one ends."""
    commits: list[int]
    """Where the frames of each commit end."""

    def left(self, sound: int) -> int:
        """How many commits are left when so many bytes of the log are as they were."""
        return EARLIER + sum(end <= sound for end in self.commits)


def read(database: Path) -> Torn:
    log = database.with_name(database.name + "-wal").read_bytes()
    page = struct.unpack(">I", log[8:12])[0]
    edges, commits = [HEADER], []
    for start in range(HEADER, len(log), FRAME_HEADER + page):
        _, size, salt = struct.unpack(">II8s", log[start : start + 16])
        if salt != log[16:24]:
            break  # of the history before
        edges.append(start + FRAME_HEADER + page)
        if size:
            commits.append(edges[-1])
    return Torn(database.read_bytes(), log, edges, commits)


@pytest.fixture(scope="module")
def torn(tmp_path_factory) -> Torn:
    path = tmp_path_factory.mktemp("torn") / "jobs.db"
    ended = subprocess.run([sys.executable, "-c", WRITER + HISTORY, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    torn = read(path)
    assert len(torn.commits) == LATER
    assert torn.edges[-1] < len(torn.log), "there are frames of the history before"
    return torn


def state(database: Path) -> tuple[list[str], int]:
    """What is wrong with a database, and which commit is its last, if none before is missing."""
    queue = TaskQueue(database, emit=lambda _event: None)
    try:
        problems = queue.check()
        found = Counter(task.args[0] for task in queue.find(limit=100_000))
    finally:
        queue.close()
    if found != Counter(dict.fromkeys(range(1, len(found) + 1), AT_ONCE)):
        problems = [*problems, f"not the beginning of the history: {found}"]
    return problems, len(found)


def reopened(folder: Path, torn: Torn, log: bytes) -> tuple[list[str], int]:
    folder.mkdir()
    (folder / "jobs.db").write_bytes(torn.database)
    (folder / "jobs.db-wal").write_bytes(log)
    return state(folder / "jobs.db")


def flipped(log: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(log)
    changed[place] ^= 1 << bit
    return bytes(changed)


def damages(torn: Torn) -> Iterator[tuple[str, bytes, int]]:
    """Each way to tear the log: its name, the log, and how many of its bytes are sound."""
    dice = random.Random(20261124)  # noqa: S311 — the same tears every time
    log = torn.log
    garbage = dice.randbytes(10_000)
    yield "whole", log, len(log)
    yield "gone", b"", 0
    for edge in torn.edges:
        yield f"cut at {edge}", log[:edge], edge
        yield f"garbage from {edge}", log[:edge] + garbage, edge
        yield f"zeros from {edge}", log[:edge] + bytes(len(log) - edge), edge
    for start, end in itertools.pairwise(torn.edges):
        for low, high in ((start, start + FRAME_HEADER), (start + FRAME_HEADER, end)):
            place, bit = dice.randrange(low, high), dice.randrange(8)
            yield f"bit {bit} of {place}", flipped(log, place, bit), start
    for _ in range(OFFSETS):
        place, bit = dice.randrange(torn.edges[-1]), dice.randrange(8)
        frame = max((edge for edge in torn.edges if edge <= place), default=0)
        yield f"cut at {place}", log[:place], frame
        yield f"bit {bit} of {place}", flipped(log, place, bit), frame


@pytest.mark.timeout(300)  # a few hundred databases are looked at
def test_of_a_torn_log_every_commit_before_the_tear_is_left_and_none_after(torn, tmp_path):
    wrong, prefixes, tried = [], set(), 0
    for number, (name, log, sound) in enumerate(damages(torn)):
        problems, last = reopened(tmp_path / str(number), torn, log)
        prefixes.add(last)
        tried += 1
        if problems or last != torn.left(sound):
            wrong.append((name, problems, last, torn.left(sound)))
    print(f"\nlogs tried {tried}, inconsistent = {len(wrong)}, distinct prefixes {len(prefixes)}")  # noqa: T201
    assert wrong == []
    assert prefixes == set(range(EARLIER, EARLIER + LATER + 1))


def test_a_copy_of_the_files_while_no_checkpoint_runs_has_all_that_was_accepted(tmp_path):
    """First the database, then its log, with nobody in between who moves one into the other.

    With checkpoints that is not so, and nothing is promised of plain copies: hence `db backup`.
    """
    database, acked = tmp_path / "jobs.db", tmp_path / "acked"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER + WITHOUT_END, str(database), str(acked)],
        stdout=subprocess.PIPE,
    )
    before, copies = [], [tmp_path / str(number) for number in range(COPIES)]
    with writer, writer.stdout:
        try:
            assert writer.stdout.readline() == b"ready\n"
            for folder in copies:
                folder.mkdir()
                while [int(acked.read_text())] == before[-1:]:  # each is of a later moment
                    os.sched_yield()
                before.append(int(acked.read_text()))
                # In this order, by a process that has no connection.
                subprocess.run(["/bin/cp", database, f"{database}-wal", folder], check=True)
        finally:
            writer.kill()
    found = [state(folder / "jobs.db") for folder in copies]
    assert [problems for problems, _ in found] == [[]] * COPIES
    assert all(last >= least for (_, last), least in zip(found, before, strict=True))
