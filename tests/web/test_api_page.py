"""The page on REST works as it stands: its console, and its table of routes."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.databases import on_a_file

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
SERVER = "http://127.0.0.1:8750/"


@on_a_file
def test_its_console_prints_what_it_says(serve, tmp_path):
    blocks = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 6
    served = serve()
    console = "".join(blocks).replace(SERVER, served.url)
    script, promised, is_input = [], [], False
    for line in console.splitlines():
        if line.startswith("$ ") or is_input:
            script.append(line.removeprefix("$ "))
            is_input = (is_input or "<<'END'" in line) and line != "END"
            continue
        promised.append(line)
    ended = subprocess.run(
        ["/bin/sh", "-euc", "\n".join(script)],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.replace("\r", "").splitlines() == promised


@pytest.fixture
def operations(client):
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    return {
        f"`{method.upper()} {path.removeprefix('/api/v1')}`"
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/api/")
    }


@on_a_file
def test_it_names_every_route_and_no_other(operations):
    table = PAGE[PAGE.index("## Routes") :]
    named = set(re.findall(r"`(?:GET|POST|PUT|PATCH|DELETE) /[^`]+`", table))
    assert named == operations
