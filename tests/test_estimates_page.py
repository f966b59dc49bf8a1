"""The page about the time left: its examples are one program that runs as it stands."""

import re
import subprocess
import sys

from tools.docs import DOCS


def test_the_examples_of_the_page_run(tmp_path):
    text = (DOCS / "estimates.md").read_text(encoding="utf-8")
    program = tmp_path / "page.py"
    program.write_text("\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)))
    ran = subprocess.run(
        [sys.executable, "-W", "error", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
