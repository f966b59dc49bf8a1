"""The wheel, installed into an empty environment, runs a task from any folder."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*command: object, cwd: Path = ROOT) -> str:
    """What a command prints where no variable points back to the checkout or to a database."""
    misleading = ("JOBRUNNER", "PYTHON", "VIRTUAL_ENV")
    environment = {
        name: text for name, text in os.environ.items() if not name.startswith(misleading)
    }
    result = subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment, check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it would be published."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    (built,) = folder.glob("*.whl")
    return built


def pages_files() -> list[Path]:
    """Templates, and what they load."""
    folders = (ROOT / "jobrunner/web/templates", ROOT / "jobrunner/web/static")
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def test_the_wheel_holds_migrations_types_and_pages(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    migrations = {path.relative_to(ROOT).as_posix() for path in (ROOT / "migrations").rglob("*.py")}
    assert "jobrunner/py.typed" in names
    assert migrations
    assert {f"jobrunner/{path}" for path in migrations} <= names
    pages = {path.relative_to(ROOT).as_posix() for path in pages_files()}
    assert {path.rpartition(".")[2] for path in pages} >= {
        "html",
        "css",
        "js",
        "svg",
        "toml",
        "txt",
    }
    assert pages <= names
    assert not [name for name in names if name.startswith(("tests/", "migrations/"))]


def test_the_installed_command_runs_a_task(wheel: Path, tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "an empty environment", tmp_path / "elsewhere"
    elsewhere.mkdir()
    venv.create(home)
    pip = (sys.executable, "-m", "pip", "--python", home / "bin/python", "install", "--quiet")
    run(*pip, "--no-input", "--constraint", ROOT / "constraints.txt", wheel)
    jobrunner = home / "bin/jobrunner"
    run(jobrunner, "enqueue", "--", "true", cwd=elsewhere)
    run(jobrunner, "work", "--until-empty", cwd=elsewhere)
    report = json.loads(run(jobrunner, "report", "--json", cwd=elsewhere))
    assert report["tasks"]["completed"] == 1
