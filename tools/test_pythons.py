"""Run the whole suite on every CPython 3.11 to 3.14 of this machine, and sum it up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
IS_CPYTHON = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2])"


def main() -> None:
    """Test each version in turn, and end with 1 where one of them failed."""
    os.chdir(ROOT)
    results: dict[str, str] = {}
    for version in VERSIONS:
        python = find(version)
        results[version] = run_suite(version, python) if python else "not installed"
    print()
    for version, result in results.items():
        print(f"Python {version}: {result}")
    sys.exit("failed" in results.values() or "passed" not in results.values())


def find(version: str) -> str | None:
    """An interpreter of this version that runs, from the PATH or among those of pyenv."""
    pyenv = Path.home() / ".pyenv" / "versions"
    known = map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))
    candidates = [shutil.which(f"python{version}"), *known]
    for candidate in filter(None, candidates):
        command = [candidate, "-I", "-c", IS_CPYTHON]
        probe = subprocess.run(command, check=False, capture_output=True, text=True)
        if probe.stdout.strip() == f"cpython {version}":
            return candidate
    return None


def run_suite(version: str, python: str) -> str:
    """Test one version in an environment of its own."""
    print(f"\n== Python {version}: {python}", flush=True)
    venv = f".venv-{version}"
    place = ["--venv", venv, "--python", python, "--extras", "dev"]
    for command in (
        [sys.executable, "-I", "tools/bootstrap.py", *place],
        [f"{venv}/bin/python", "-m", "pytest"],
    ):
        if subprocess.run(command, check=False).returncode:
            return "failed"
    return "passed"


if __name__ == "__main__":
    main()
