"""A plugin of pytest: the tests of a copy test that copy, in their own process and in others."""

import subprocess
import sys
from pathlib import Path

import jobrunner

HERE = Path(__file__).resolve().parent.parent
WHERE = "import jobrunner; print(jobrunner.__file__)"


def pytest_sessionstart() -> None:
    """Refuse to run where another checkout would be imported."""
    elsewhere = subprocess.run(
        [sys.executable, "-c", WHERE], cwd="/", check=True, capture_output=True, text=True
    ).stdout
    for found in (jobrunner.__file__, elsewhere.strip()):
        if not Path(found).resolve().is_relative_to(HERE):
            message = f"{found} is not of {HERE}"
            raise RuntimeError(message)
