"""The pages on steps, explanations, the cache and logs work as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = re.compile(r"```python\n# (\w+\.py)\n(.*?)```", re.DOTALL)

PRINTS = {
    "steps.md": """\
it waits for approved
charging ada
charging bob
thanking ada
thanking bob
billed 2
""",
    "explain.md": "No worker runs. Start one: jobrunner work\n",
    "cache.md": "2 completed\n2 cached\n3 completed\n",
    "logs.md": "hello ada\n1 stdout: hello ada\n2 stdout: done\n2 stderr: oh\n",
}


@pytest.mark.parametrize("page", PRINTS)
def test_the_program_of_a_page_prints_what_it_should(tmp_path, page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    ((name, program),) = PROGRAM.findall(text)
    assert text.count("```python") == 1
    (tmp_path / name).write_text(program)
    environment = {key: os.environ[key] for key in os.environ if "JOBRUNNER" not in key}
    ran = subprocess.run(
        [sys.executable, name],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, PRINTS[page]), ran.stderr
