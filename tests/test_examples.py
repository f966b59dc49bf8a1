"""Each example does in an empty folder what its page says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"


@pytest.fixture
def run(tmp_path):
    """Run an example to its end; returns the lines it said."""

    def start(name, *words):
        environment = {key: value for key, value in os.environ.items() if "JOBRUNNER" not in key}
        ended = subprocess.run(
            [sys.executable, "-W", "error", EXAMPLES / name, *words],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(ROOT)},
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.splitlines()

    return start


def test_the_nightly_report_is_made_and_due_again_at_two_in_paris(run):
    first, *said = run("nightly_report.py", "--now")
    assert first.startswith("next: ")
    assert first.endswith(("01:00:00+00:00", "00:00:00+00:00"))  # in winter, and in summer
    assert said == ["de\t80 EUR", "fr\t150 EUR", "230 EUR from 2 countries"]


def test_the_crawler_asks_for_each_page_once_and_is_polite(run):
    assert run("crawler.py") == ["12 requests for 12 pages", "at most 1 at a time, polite: True"]


def test_the_media_pipeline_publishes_what_is_sound(run, tmp_path):
    said = run("media_pipeline.py")
    assert said[:4] == [
        "dawn: 404 bytes, 2 renditions",
        "dusk: 404 bytes, 2 renditions",
        "noon: 404 bytes, 2 renditions",
        "1 failed, 3 cancelled",
    ]
    assert said[4:] == sorted(path.name for path in (tmp_path / "published").iterdir())
    assert len(said) == 10


def test_a_kill_in_the_middle_of_the_paid_batch_bills_nobody_twice(run):
    killed, said, repeated = run("paid_batch.py")
    assert killed.startswith("killed after ")
    assert said == "6 completed, 18 bills, each once: True"
    assert int(repeated.rpartition(" ")[2]) <= 2  # one for each of the worker's slots


def test_every_example_is_run_and_says_how():
    names = {path.name for path in EXAMPLES.glob("*.py")}
    text = Path(__file__).read_text()
    assert all(f'run("{name}"' in text for name in names)
    for name in names:
        assert f"python {name}" in (EXAMPLES / name).read_text()
