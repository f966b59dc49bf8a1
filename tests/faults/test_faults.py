"""Every write, sync, truncate or open of a task's life fails once, or from then on."""

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jobrunner import DatabaseError
from tests.faults import life, vfs

ROOT = Path(__file__).resolve().parents[2]
SERVERS = 2

ALL = os.environ.get("FAULTS") == "all"
"""`FAULTS=all` tries every point there is, which takes minutes, and not only a spread of them."""

SAMPLE = {"write": 10, "sync": 8, "read": 12}
"""How many points of a kind and a fault are tried otherwise, where it is not 4."""

FAULTS: dict[str, list[dict[str, Any]]] = {
    "write": [{"code": vfs.IOERR["write"]}, {"code": vfs.FULL, "half": True}],
    "sync": [{"code": vfs.IOERR["sync"]}, {"code": vfs.IOERR["sync"], "late": True}],
    "truncate": [{"code": vfs.IOERR["truncate"]}],
    "read": [{"code": vfs.IOERR["read"]}],
    "open": [{"code": vfs.CANTOPEN}],
    "delete": [{"code": vfs.IOERR["delete"]}],
    "map": [{"code": vfs.IOERR["map"]}],
}

SENTENCE = re.compile(
    r"the database \S+/jobs\.db "
    r"(could not be read or written|has no room to grow: the disk is full|cannot be opened)"
    r"(; it is not known whether the last commit was stored)?"
    r"|the database could not be read: Tree \d+ page \d+: .+"
)

LABELS = sorted(itertools.chain(*life.CHAINS))


class Tried(NamedTuple):
    """A point, and what the life with that fault and the recovery after it said."""

    point: dict[str, Any]
    lived: list[Any]
    exit_code: int
    recovered: list[Any]

    def said(self, word: str) -> list[Any]:
        return [value for said, value in self.lived if said == word]

    def found(self, word: str) -> list[Any]:
        return [value for said, value in self.recovered if said == word]

    @property
    def accepted(self) -> list[str]:
        return list(itertools.chain(*self.said("accepted")))


def serve(folder: Path, points: list[dict[str, Any]]) -> list[Tried]:
    """Let each point be tried by one of two servers, in the order given."""
    servers = [Server(folder / f"server{n}", points[n::SERVERS]) for n in range(SERVERS)]
    for server in servers:
        server.process.wait()
    done = [server.tried() for server in servers]
    both = itertools.chain(*itertools.zip_longest(*done))
    return [tried for tried in both if tried]


class Server:
    def __init__(self, folder: Path, points: list[dict[str, Any]]) -> None:
        self.points = points
        self.answers = folder.with_suffix(".answers")
        questions = folder.with_suffix(".points")
        questions.write_text("".join(json.dumps(point) + "\n" for point in points))
        with questions.open() as asked, self.answers.open("w") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "tests.faults.server", str(folder)],
                cwd=ROOT,
                stdin=asked,
                stdout=told,
            )

    def tried(self) -> list[Tried]:
        assert self.process.returncode == 0
        answers = [json.loads(line) for line in self.answers.read_text().splitlines()]
        return [
            Tried(point, a["lived"]["said"], a["lived"]["exit_code"], a["recovered"]["said"])
            for point, a in zip(self.points, answers, strict=True)
        ]


def plan(counts: dict[bool, dict[str, int]]) -> Iterator[dict[str, Any]]:
    """The points to try: each fault, once and lasting, on a fresh and on a made database."""
    for fresh, (call, faults) in itertools.product(counts, FAULTS.items()):
        last = counts[fresh].get(call, 0)
        size = last if ALL else min(last, SAMPLE.get(call, 4))
        ways = list(itertools.product(faults, (False, True)))
        for shift, (fault, lasting) in enumerate(ways):
            for step in range(size):
                # Each way of failing gets other points of the spread.
                number = 1 + (step * len(ways) + shift) * last // (size * len(ways))
                yield {"fresh": fresh, "call": call, "number": number, "lasting": lasting, **fault}


@pytest.fixture(scope="module")
def tried(tmp_path_factory) -> list[Tried]:
    none = serve(tmp_path_factory.mktemp("none"), [{"fresh": fresh} for fresh in (True, False)])
    assert [point.accepted for point in none] == [["parent", "dependent", "third"]] * 2
    counts = {point.point["fresh"]: point.said("counts")[0] for point in none}
    tried = serve(tmp_path_factory.mktemp("faults"), list(plan(counts)))
    print(f"\n{summary(tried)}")  # noqa: T201
    return tried


def summary(tried: list[Tried]) -> str:
    struck = [point for point in tried if point.exit_code or sum(point.said("struck"))]
    unknown = [point for point in struck if len(point.accepted) < len(LABELS)]
    ghosts = [point for point in unknown if set(point.found("found")[0]) - set(point.accepted)]
    lost = [p for p in tried if set(p.accepted) - set(p.found("found")[0])]
    doubled = [p for p in tried if p.found("stored") != [LABELS]]
    return (
        f"points tried {len(tried)}, struck {len(struck)}, lost = {len(lost)}, "
        f"doubled = {len(doubled)}, without an answer {len(unknown)}, of these ghosts {len(ghosts)}"
    )


def none_of(wrong: list[Tried]) -> None:
    assert not wrong, "\n".join(str(point) for point in wrong[:5]) + f"\n{len(wrong)} in all"


@pytest.mark.timeout(3600)
def test_a_process_with_a_fault_says_so_in_a_sentence_or_goes_on(tried):
    def is_clear(point):
        words = ("refused", "unknown", "trouble")
        sentences = [text for word in words for text in point.said(word)]
        return not point.said("traceback") and all(map(SENTENCE.fullmatch, sentences))

    none_of([point for point in tried if point.said("hung") or not is_clear(point)])


def test_a_fault_that_passes_is_got_over_without_help(tried):
    passing = [point for point in tried if not point.point["lasting"]]
    none_of([p for p in passing if p.exit_code or sorted(p.accepted) != LABELS])


def test_what_was_accepted_is_there_after_any_fault(tried):
    none_of([point for point in tried if set(point.accepted) - set(point.found("found")[0])])


def test_after_any_fault_the_database_is_sound_without_help(tried):
    none_of([point for point in tried if point.found("problems") != [[], []]])


def test_after_any_fault_each_task_is_stored_and_completed_once(tried):
    once = [["completed", 1]] * len(LABELS)
    none_of([p for p in tried if p.found("stored") != [LABELS] or p.found("ended") != [once]])


def test_a_commit_that_failed_and_came_to_light_later_is_found_and_not_doubled(tried):
    """The frames of a COMMIT whose sync failed may be in the file, and count after a crash."""
    ghosts = [p for p in tried if set(p.found("found")[0]) - set(p.accepted)]
    assert {point.point["call"] for point in ghosts} == {"sync"}
    assert {point.said("unknown") != [] for point in ghosts} == {True}
    none_of([point for point in ghosts if point.found("stored") != [LABELS]])


def test_an_enqueue_looks_for_nothing_after_its_commit(location, monkeypatch):
    """A look that failed would tell of an error, and whoever tries again stores it twice."""
    queue = life.application(location)
    queue.counts()
    queue.clock.now()  # a server is asked for its time now and then

    def broken():
        raise DatabaseError("it cannot be read")

    monkeypatch.setattr(queue.database, "reading", broken)
    task = queue.enqueue(life.chain(["only"])[0])
    monkeypatch.undo()
    assert [found.id for found in queue.find()] == [task.id]
    queue.close()
