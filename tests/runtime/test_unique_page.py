"""The page on unique tasks: its programs run as they stand, one after the other."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from jobrunner import Unique

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "unique.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n# \w+\.py\n(.*?)```", PAGE, re.DOTALL)


def test_every_program_of_the_page_runs(tmp_path):
    assert PAGE.count("```python") == len(PROGRAMS) == 3
    for program in PROGRAMS:
        command = [sys.executable, "-W", "error", "-c", program]
        environment = {"PYTHONPATH": str(ROOT)}
        ran = subprocess.run(
            command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr


def test_every_field_is_told():
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == [f.name for f in fields(Unique)]
