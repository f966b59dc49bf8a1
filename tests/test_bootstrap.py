"""The set-up finds a Python that will do, and says what to do where there is none."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "tools" / "bootstrap.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def interpreter(path: Path, *, lacks: str) -> str:
    """A Python that fails every program that mentions `lacks`."""
    path.write_text(
        f'#!/bin/sh\ncase "$3" in *{lacks}*) exit 1;; esac\nexec "{sys.executable}" "$@"\n'
    )
    path.chmod(0o755)
    return str(path)


def test_the_first_suitable_interpreter_makes_the_environment(
    bootstrap: ModuleType, tmp_path: Path
) -> None:
    old = interpreter(tmp_path / "old", lacks="version_info")
    bare = interpreter(tmp_path / "bare", lacks="ensurepip")
    maker = bootstrap.find_maker(("absent", old, bare, sys.executable))
    assert maker == [sys.executable, "-m", "venv"]


def test_an_old_python_is_told_with_a_next_step(bootstrap: ModuleType, tmp_path: Path) -> None:
    old = interpreter(tmp_path / "old", lacks="version_info")
    with pytest.raises(bootstrap.SetupError, match=r"no Python 3\.11 .*; install one"):
        bootstrap.find_maker((old,))


def test_a_python_without_ensurepip_is_told_with_a_next_step(
    bootstrap: ModuleType, tmp_path: Path
) -> None:
    bare = interpreter(tmp_path / "bare", lacks="'import ensurepip'*|*'import virtualenv'")
    with pytest.raises(bootstrap.SetupError, match="apt-get install python3-venv"):
        bootstrap.find_maker((bare,))


def test_make_without_any_python_says_so(tmp_path: Path) -> None:
    result = subprocess.run(
        [shutil.which("make") or "make", "dev"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode != 0
    assert "install Python 3.11 or newer" in result.stderr
