"""The REST interface does what its own OpenAPI document says, whatever is sent to it.

`schemathesis run` with all checks and in all phases, always the same cases: with a token on a file
and without one on a server. `SCHEMATHESIS=50 make test ARGS=tests/web/test_schemathesis.py` does
both on both, with so many examples of each operation.
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

CONFIG = Path(__file__).with_name("schemathesis.toml")
PROGRAM = Path(sys.executable).with_name("schemathesis")

EXAMPLES = os.environ.get("SCHEMATHESIS", "")
FEW = "1"

ALWAYS = [("sqlite", True), ("postgresql", False)]
AT_LENGTH = [("sqlite", False), ("postgresql", True)]


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
    ("location", "with_token"),
    [*ALWAYS, *(AT_LENGTH if EXAMPLES else [])],
    indirect=["location"],
    ids=lambda value: {True: "token", False: "open"}.get(value, value),
)
def test_every_answer_is_as_the_document_says(
    stocked, serve, location, with_token, monkeypatch, tmp_path
):
    # Otherwise most of the answers would be 429.
    monkeypatch.setattr(limits, "ACTS_A_SECOND", 1e6)
    monkeypatch.setattr(limits, "ACTS_AT_ONCE", 1e6)
    served = serve(allow_commands=True)
    words = [
        *("--config-file", str(CONFIG), "run", f"{served.url}api/v1/openapi.json"),
        *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"),
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
