"""The REST interface does what its own OpenAPI document says, whatever is sent to it.

`schemathesis run` with all checks, always the same cases: with a token on a file in all phases, and
without one on a server in all but the longest, which probes the same shapes of requests again.
`SCHEMATHESIS=50 make test ARGS=tests/web/test_schemathesis.py` does both on both in all phases,
with so many examples of each operation.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jobrunner import NewTask
from jobrunner.core.role import Role
from jobrunner.testing import drain
from jobrunner.web import limits
from tests.conftest import KINDS

CONFIG = Path(__file__).with_name("schemathesis.toml")
PROGRAM = Path(sys.executable).with_name("schemathesis")

EXAMPLES = os.environ.get("SCHEMATHESIS", "")
FEW = "1"

PHASES = "examples,fuzzing,stateful"
ALL_PHASES = f"{PHASES},coverage"
ALWAYS = [("sqlite", True, ALL_PHASES), ("postgresql", False, PHASES)]
AT_LENGTH = [(kind, known, ALL_PHASES) for kind in KINDS for known in (True, False)]


@pytest.fixture
def stocked(queue):
    """A queue in which something is to be found."""

    parent = NewTask(function="work", args=[1])
    queue.enqueue_many([parent, NewTask(function="work", after=[parent])])
    queue.enqueue(NewTask(command=["true"], max_attempts=1))
    queue.enqueue(NewTask(command=["false"], max_attempts=1, queue="images"))
    drain(queue, raise_errors=False)
    queue.batches.enqueue([NewTask(function="work")], on_end=NewTask(function="report"))
    queue.schedules.add("nightly", "@daily", NewTask(function="report"))
    return queue


@pytest.mark.parametrize(
    ("location", "with_token", "phases"),
    AT_LENGTH if EXAMPLES else ALWAYS,
    indirect=["location"],
    ids=lambda value: {True: "token", False: "open", PHASES: "short"}.get(value, value),
)
def test_every_answer_is_as_the_document_says(
    stocked, serve, with_token, phases, monkeypatch, tmp_path
):
    # Otherwise most of the answers would be 429.
    monkeypatch.setattr(limits, "ACTS_A_SECOND", 1e6)
    monkeypatch.setattr(limits, "ACTS_AT_ONCE", 1e6)
    served = serve(allow_commands=True)
    words = [
        *("--config-file", str(CONFIG), "run", f"{served.url}api/v1/openapi.json"),
        *("--checks", "all", "--phases", phases),
        *("--max-examples", EXAMPLES or FEW, "--generation-deterministic", "--no-shrink"),
        *("--warnings", "off", "--no-color"),
        *("--continue-on-failure", "--output-truncate", "true"),
    ]
    if with_token:
        words += ["--header", f"Authorization: Bearer {stocked.tokens.add('it', Role.OPERATE)}"]
    ended = subprocess.run(
        [PROGRAM, *words], check=False, capture_output=True, text=True, cwd=tmp_path
    )
    told = re.sub(r"(?m)^(.{500}).*$", r"\1…", ended.stdout)
    assert ended.returncode == 0, told + ended.stderr
    tested = re.search(r"Selected: (\d+)/(\d+)\s+Tested: (\d+)", told)
    assert len(set(tested.groups())) == 1, "an operation was left out"
