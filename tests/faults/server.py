"""A process that never opens a database and forks a child for each life, so that each is cheap.

It reads one point a line from its input, JSON, and prints what came of it.
"""

import json
import os
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import alembic.command  # noqa: F401 — once here, not in each child

from tests.faults import life, vfs

PATIENCE: Final = 60.0


@dataclass
class Seen:
    """What a child said until its end."""

    said: list[tuple[str, Any]] = field(default_factory=list)
    exit_code: int | None = None

    def of(self, word: str) -> list[Any]:
        """Everything it said under a word."""
        return [value for said, value in self.said if said == word]


def watch(body: Callable[[life.Say], None]) -> Seen:
    """Run `body` in a child, kill it when its time is over, and return what it said."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(writer, body)
    os.close(writer)
    seen, text, deadline = Seen(), b"", time.monotonic() + PATIENCE
    while select.select([reader], [], [], max(0, deadline - time.monotonic()))[0]:
        if not (more := os.read(reader, 65536)):
            break
        text += more
    else:
        os.kill(child, signal.SIGKILL)
        seen.said.append(("hung", PATIENCE))
    os.close(reader)
    _, status = os.waitpid(child, 0)
    seen.exit_code = os.waitstatus_to_exitcode(status)
    seen.said += [tuple(json.loads(line)) for line in text.splitlines()]
    return seen


def _child(writer: int, body: Callable[[life.Say], None]) -> None:
    def say(word: str, value: Any = None) -> None:
        os.write(writer, json.dumps([word, value]).encode() + b"\n")

    def fail(*_: Any) -> None:
        say("traceback", traceback.format_exc())
        os._exit(70)

    sys.unraisablehook = fail  # such as an error in a function that C called
    try:
        body(say)
    except BaseException:  # noqa: BLE001 — nothing may leave a forked child
        fail()
    os._exit(0)  # SQLite must not call functions of an interpreter that ends


def try_point(folder: Path, point: dict[str, Any]) -> dict[str, Any]:
    """Live with a fault, then recover without; returns what both said."""
    folder.mkdir()
    path = folder / "jobs.db"
    if not point.pop("fresh"):
        shutil.copyfile(folder.parent / "made.db", path)

    def faulty(say: life.Say) -> None:
        fault = vfs.Fault(**point)
        vfs.install(fault)
        try:
            life.Life(path, say, lasting=fault.lasting).run()
        finally:
            say("counts", fault.counts)
            say("struck", fault.struck)

    lived = watch(faulty)
    recovered = watch(lambda say: life.recover(path, say))
    shutil.rmtree(folder)
    return {"lived": asdict(lived), "recovered": asdict(recovered)}


def main(folder: Path) -> None:
    """Make a database to copy, then serve points until there are no more."""
    folder.mkdir()
    made = watch(lambda say: life.make(folder / "made.db", say))
    assert made == Seen(exit_code=0), made
    for number, line in enumerate(sys.stdin):
        print(json.dumps(try_point(folder / str(number), json.loads(line))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
