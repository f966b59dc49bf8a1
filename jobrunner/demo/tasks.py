"""The functions of the demonstration, as an application would write them.

Each may run again after its worker was killed, so each leaves whole files only.
"""

import ast
import gzip
import hashlib
import time
from pathlib import Path
from typing import Final

from jobrunner.core.signals import Retry
from jobrunner.registrar import Registrar
from jobrunner.runtime.context import context

functions: Final = Registrar()

MODULES: Final = "modules"
MANIFEST: Final = "MANIFEST"
INDEX: Final = "INDEX"

FIRST_SLOWER: Final = 3
"""How much slower the long task is at first: however late its killer comes, it is still there."""


class CorruptError(Exception):
    """What was unpacked is not what was packed."""


@functions.task
def sha256(folder: str, name: str) -> str:
    """The checksum of a module, provided that its compressed form unpacks to the same."""
    original = Path(folder, MODULES, name).read_bytes()
    if unpack(folder, name) != original:
        raise CorruptError(name)
    checksum = hashlib.sha256(original).hexdigest()
    _write(checksum_file(folder, name), f"{checksum}  {name}\n")
    return checksum


@functions.task
def manifest(folder: str, names: list[str]) -> int:
    """Verify all checksums against the compressed files, and list them as `sha256sum` does."""
    lines = [checksum_file(folder, name).read_text() for name in names]
    for name, line in zip(names, lines, strict=True):
        if line.split()[0] != hashlib.sha256(unpack(folder, name)).hexdigest():
            raise CorruptError(name)
    _write(Path(folder, MODULES, MANIFEST), "".join(lines))
    return len(lines)


@functions.task
def index(folder: str, names: list[str], seconds: float) -> dict[str, int]:
    """Count the definitions in each module, at a pace that takes so many seconds in all."""
    start = context.last_checkpoint(0)
    for name in context.resume(names):
        tree = ast.parse(Path(folder, MODULES, name).read_bytes())
        found = sum(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(tree))
        with Path(folder, INDEX).open("a") as lines:
            lines.write(f"{context.attempt} {name} {found}\n")
        time.sleep(seconds / len(names) * (FIRST_SLOWER if context.attempt == 1 else 1))
    return {"modules": len(names), "went_on_from": start}


@functions.task
def unsteady() -> int:
    """Fail twice, then succeed."""
    if context.attempt <= 2:  # noqa: PLR2004 — as the docstring says
        raise Retry("it is to fail twice", after=0.2)
    return context.attempt


@functions.task(max_attempts=3)
def doomed() -> None:
    """Fail whenever it is tried."""
    raise Retry("it is to fail every time", after=0.1)


@functions.task
def unreached() -> None:
    """Depend on what fails, and so never run."""


def unpack(folder: str | Path, name: str) -> bytes:
    """The compressed form of a module, unpacked. Raises OSError, EOFError or zlib.error."""
    return gzip.decompress(Path(folder, MODULES, f"{name}.gz").read_bytes())


def checksum_file(folder: str | Path, name: str) -> Path:
    """Where a module's checksum is."""
    return Path(folder, MODULES, f"{name}.sha256")


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f"{path.name}.{context.attempt}.part")
    part.write_text(text)
    part.replace(path)
