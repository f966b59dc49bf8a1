"""Remove each guard in turn and see that the tests named for it fail (`make mutants`).

The guards stand in `tools/guards/*.toml`. Each is removed in a private copy of the checkout, and
the tests run there: those that are named for it, and the model alone where `model = true`. A
guard whose removal no test notices is a hole. First everything runs in a copy that is as it is:
a test that fails anyway would kill every mutant.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
GUARDS: Final = Path(__file__).resolve().parent / "guards"
MODEL: Final = ("tests/storage/test_model.py",)
LONGEST: Final = 150
"""Seconds after which a mutant that hangs its tests counts as killed."""

PYTEST: Final = (
    *("-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", "--tb=no", "-rfE"),
    *("--timeout=60", "--hypothesis-seed=0", "-p", "tools.from_here"),
)
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?:\[| - |$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Edit:
    """One text of one file, and what stands there without the guard."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Guard:
    """Something that keeps a promise: how it is removed, and who should notice."""

    name: str
    why: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
    model: bool

    def checks(self, by: str = "") -> Iterator[tuple[str, ...]]:
        """What is run, each by itself: every one of these must fail without the guard.

        `by` limits it to `tests` or to the `model`.
        """
        if self.tests and by != "model":
            yield self.tests
        if self.model and by != "tests":
            yield MODEL


@dataclass(frozen=True, slots=True)
class Ran:
    """How the tests ended: who failed (`None` if none did), and what they said."""

    killer: str | None
    said: str
    seconds: float
    broken: bool = False


def read(folder: Path = GUARDS) -> list[Guard]:
    """All guards, in the order of their files."""
    found: list[Guard] = []
    for path in sorted(folder.glob("*.toml")):
        for entry in tomllib.loads(path.read_text())["guard"]:
            edits = [_edit(entry), *(_edit(other) for other in entry.get("also", []))]
            found.append(
                Guard(
                    entry["name"],
                    entry["why"],
                    tuple(edits),
                    tuple(entry.get("tests", ())),
                    entry.get("model", False),
                )
            )
    return found


def _edit(entry: dict[str, Any]) -> Edit:
    return Edit(entry["file"], entry["old"], entry["new"])


def misfits(guards: Iterable[Guard], root: Path = ROOT) -> list[str]:
    """What no longer fits the code: a text that is not there exactly once, a test that is gone."""
    problems: list[str] = []
    for guard in guards:
        for edit in guard.edits:
            path = root / edit.file
            times = path.read_text().count(edit.old) if path.is_file() else 0
            if times != 1:
                problems.append(f"{guard.name}: its text occurs {times} times in {edit.file}")
        gone = [name for name in guard.tests if not (root / name).is_file()]
        problems += [f"{guard.name}: no file {name}" for name in gone]
        if not guard.tests and not guard.model:
            problems.append(f"{guard.name}: no test is named")
    return problems


def main() -> int:
    """Run what was asked for; 1 where a mutant survives."""
    options = _options()
    named = (guard for guard in read() if re.search(options.only, guard.name))
    guards = [guard for guard in named if any(guard.checks(options.by))]
    if problems := misfits(guards):
        print(*problems, sep="\n")
        return 1
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        copies: queue.Queue[Path] = queue.Queue()
        for _ in range(options.jobs):
            copies.put(stack.enter_context(_copy()))
        if not options.no_baseline and not _is_sound(guards, copies, options.by):
            return 1
        with ThreadPoolExecutor(options.jobs) as pool:
            tried = [pool.submit(_try, guard, copies, options.by) for guard in guards]
            results = [future.result() for future in tried]
    killed = sum(results)
    print(f"mutants killed {killed}/{len(results)} in {time.monotonic() - started:.0f} s")
    return 0 if killed == len(results) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Remove each guard; a test must fail.")
    parser.add_argument("only", nargs="?", default="", help="a pattern of guards' names")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time")
    parser.add_argument("--by", choices=("tests", "model"), default="", help="only one of them")
    parser.add_argument("--no-baseline", action="store_true", help="do not run without a mutant")
    return parser.parse_args()


@contextlib.contextmanager
def _copy() -> Generator[Path]:
    """A private copy of all that is or may be committed, its bytecode made once."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "checkout"
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        compileall.compile_dir(copy / "jobrunner", quiet=1)
        yield copy


def _is_sound(guards: Sequence[Guard], copies: queue.Queue[Path], by: str) -> bool:
    named = sorted({test for guard in guards for check in guard.checks(by) for test in check})
    copy = copies.get()
    ran = _run(copy, named, longest=1200)
    copies.put(copy)
    print(f"as it is: {ran.killer or 'all pass'} ({ran.seconds:.1f} s)", flush=True)
    if ran.killer:
        print(ran.said[-2000:])
    return ran.killer is None


def _try(guard: Guard, copies: queue.Queue[Path], by: str) -> bool:
    copy = copies.get()
    try:
        with _without(guard, copy):
            results = [_run(copy, check) for check in guard.checks(by)]
    finally:
        copies.put(copy)
    killed = all(ran.killer and not ran.broken for ran in results)
    told = ", ".join(f"{ran.killer or 'nobody noticed'} ({ran.seconds:.1f} s)" for ran in results)
    print(f"{'killed  ' if killed else 'SURVIVES'} {guard.name}: {told}", flush=True)
    for ran in results:
        if ran.broken:
            print(ran.said[-2000:], flush=True)
    return killed


@contextlib.contextmanager
def _without(guard: Guard, copy: Path) -> Generator[None]:
    """The guard is removed; its files come back with their times, so bytecode stays right."""
    for edit in guard.edits:
        path = copy / edit.file
        path.write_text(path.read_text().replace(edit.old, edit.new))
    try:
        yield
    finally:
        for edit in guard.edits:
            shutil.copy2(ROOT / edit.file, copy / edit.file)


def _run(copy: Path, tests: Sequence[str], *, longest: float = LONGEST) -> Ran:
    """Run tests in a copy, with nothing in reach but the copy."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *PYTEST, *tests],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=longest)
    except subprocess.TimeoutExpired:
        said = "no end"
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # what a mutant has left behind
    process.wait()
    return _judge(process.returncode, said, time.monotonic() - started)


def _judge(exit_code: int, said: str, seconds: float) -> Ran:
    if said == "no end":
        return Ran("it hangs", said, seconds)
    if exit_code == 0:
        return Ran(None, said, seconds)
    failed = _FAILED.search(said)
    killer = failed[1].rpartition("::")[2] if failed else ""
    # A module that cannot be imported, or no test at all, proves nothing.
    return Ran(killer or "broken", said, seconds, broken=exit_code != 1 or not killer)


if __name__ == "__main__":
    sys.exit(main())
