"""A contestant: a system in an environment of its own, and what it is asked to do there."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jobrunner
from jobrunner.storage import sqlite
from tools import bootstrap

PEERS = Path("benchmarks/peers")


@dataclass(frozen=True)
class Contestant:
    """A system, with the settings that it runs under and what is to be known of them."""

    name: str
    module: str
    """Of `benchmarks.peers`; the pins of its environment stand beside it."""
    ground: str
    """Where its tasks are: `file`, `postgres`, `redis`, or `none`."""
    loads: frozenset[str]
    """What it takes part in."""
    ended: str = ""
    """A question to the place whose answer grows by one with each end that is committed."""
    wrong: str = ""
    """A question to the place that is answered with zero unless a task went wrong."""
    pace: int = 50_000
    """Tasks a second at the very most, which keeps its fillings as small as they may be."""
    is_held: bool = True
    """Its workers are set up before their go; else the clock starts with the first end."""
    most: int = 1_000_000
    """The greatest backlog that it can be filled with in a minute."""
    finish: tuple[str, ...] = ()
    """What makes finished tasks of all that are pending, in its own tables."""
    tidy: tuple[str, ...] = ()
    """What makes it fast once it is filled, and what somebody who looks after it would run."""
    product: str = ""
    """What its package is called, if not as its module."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    filling: Mapping[str, str] = field(default_factory=dict[str, str])
    """Settings for fillings that nobody times."""
    chosen: str = ""
    """Which settings, and how they were found."""
    durability: str = ""
    killed: str = ""
    """What becomes of a running task when its worker is killed."""

    @property
    def pins(self) -> Path:
        """What is installed for it; nothing for what lives in the environment of the checkout."""
        return PEERS / f"{self.module}.txt"

    @property
    def version(self) -> str:
        """Which release it is."""
        if self.pins.exists():
            text = f"\n{self.pins.read_text()}"
            return text.partition(f"\n{self.product or self.module}==")[2].partition("\n")[0]
        if self.module == "raw":
            return str(sqlite.choose_driver().sqlite_version)
        return jobrunner.__version__ if self.module == "jobrunner" else ""

    def prepare(self) -> None:
        """Make its environment, unless it is there with the same versions.

        Raises:
            SetupError: it cannot be made.
        """
        if not self.pins.exists():
            return
        venv, wanted = self._python.parents[1], self.pins.read_text()
        stamp = venv / "installed"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        bootstrap.create(venv, "")
        pip = [str(self._python), "-m", "pip", "install", "--quiet", "--no-input"]
        bootstrap.run([*pip, "--disable-pip-version-check", "--requirement", str(self.pins)])
        stamp.write_text(wanted)

    @property
    def _python(self) -> Path:
        return Path(f".venv-bench-{self.module}/bin/python")

    def start(
        self, verb: str, url: str, *, settings: Mapping[str, str] | None = None, **details: Any
    ) -> subprocess.Popen[str]:
        """Have it do something; it leads a group of processes of its own."""
        python = str(self._python) if self.pins.exists() else sys.executable
        return subprocess.Popen(
            [python, "-m", "benchmarks.peers", self.module, verb, url, json.dumps(details)],
            env={**os.environ, **self.settings, **(settings or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ask(
        self, verb: str, url: str, *, settings: Mapping[str, str] | None = None, **details: Any
    ) -> str:
        """What it says when it has done that.

        Raises:
            RuntimeError: it failed.
        """
        with self.start(verb, url, settings=settings, **details) as asked:
            try:
                said, _ = asked.communicate()
            except BaseException:
                asked.kill()
                raise
        if asked.returncode:
            raise RuntimeError(f"{self.name} failed to {verb}: exit code {asked.returncode}")
        return said.strip()
