"""The page on steering works as it stands."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "control.md").read_text(encoding="utf-8")


def test_the_example_of_the_page_prints_what_it_says(tmp_path):
    ((name, program),) = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / name).write_text(program)
    ended = subprocess.run(
        [sys.executable, "-W", "error", name],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    said = re.findall(r"`([^`]+)`", PAGE[PAGE.index("It prints") :])
    assert ended.stdout.splitlines() == said
