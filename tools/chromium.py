"""A real Chromium for the tests of the pages: found on the machine, else installed by its packages.

Usage: python tools/chromium.py [--install]; prints where it is. JOBRUNNER_CHROMIUM names another.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

NAMED: Final = "JOBRUNNER_CHROMIUM"
NAMES: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

FLAGS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
"""What keeps it from talking to anybody but the server under test."""

STEPS: Final = (
    ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "update"),
    (
        *("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "--yes", "--no-install-recommends"),
        *("install", "chromium"),
    ),
)


class ChromiumError(Exception):
    """There is no Chromium; the message says what to do about it."""


def find() -> str | None:
    """Where one is, if there is one.

    Raises:
        ChromiumError: JOBRUNNER_CHROMIUM names none.
    """
    named = os.environ.get(NAMED)
    if named:
        found = shutil.which(named)
        if found is None:
            raise ChromiumError(f"{NAMED}={named} is no program; name a Chromium, or unset it")
        return found
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def ensure() -> str:
    """Where one is, after an installation if need be; several may ask at once.

    Raises:
        ChromiumError: there is none, and it cannot be installed.
    """
    found = find()
    if found is not None:
        return found
    with (Path(tempfile.gettempdir()) / f"jobrunner-chromium-{os.geteuid()}.lock").open(
        "w"
    ) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = find() or _installed()
    if found is None:
        raise ChromiumError(
            "there is no Chromium for the tests of the pages; install it "
            f"(Debian: apt-get install chromium) or name one in {NAMED}"
        )
    return found


def flags() -> list[str]:
    """How to start it: as root it has no sandbox of its own."""
    return [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def _installed() -> str | None:
    """Install it where that takes no question: by root, or with a sudo that does not ask."""
    if shutil.which("apt-get") is None:
        return None
    before = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if before and shutil.which("sudo") is None:
        return None
    print("Installing chromium for the tests of the pages ...", file=sys.stderr, flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in STEPS:
        ran = subprocess.run(
            [*before, *step],
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        if ran.returncode and "install" in step:
            return None
    return find()


def main() -> None:
    """Print where it is."""
    parser = argparse.ArgumentParser(description="Find a Chromium for the tests of the pages.")
    parser.add_argument("--install", action="store_true", help="install it where there is none")
    options = parser.parse_args()
    try:
        print(ensure() if options.install else find() or "none")
    except ChromiumError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
