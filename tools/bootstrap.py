"""Make the virtual environment of this checkout ready, from nothing but Python 3.11.

Usage: python tools/bootstrap.py [--extras dev] [--python python3.13] [--venv .venv]

Any Python since 3.7 may start it (hence its plain syntax): it looks for a suitable one itself. A
stamp inside the environment makes the second run quick.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("python3.14", "python3.13", "python3.12", "python3.11")
CANDIDATES = (sys.executable, *VERSIONS, "python3", "python")

# Programs that end well where the interpreter has what they ask for.
IS_NEW_ENOUGH = "import sys; assert sys.version_info >= (3, 11)"
HAS_PIP = "import pip"
MAKERS = {"venv": "import ensurepip, venv", "virtualenv": "import virtualenv"}

# Tells the version and the place of an interpreter: scripts of a moved environment do not run.
IDENTITY = "import sys; print(sys.version_info[:2], sys.prefix)"


class SetupError(Exception):
    """The environment cannot be made; the message says what to do about it."""


def main() -> None:
    """Read the command line, and tell a failure in one sentence."""
    parser = argparse.ArgumentParser(description="Make the virtual environment ready.")
    parser.add_argument("--extras", default="", help="extras to install, such as dev")
    parser.add_argument("--python", default="", help="the interpreter to use")
    parser.add_argument("--venv", default=".venv", help="the folder of the environment")
    options = parser.parse_args()
    os.chdir(ROOT)
    try:
        prepare(Path(options.venv), extras=options.extras, python=options.python)
    except SetupError as error:
        sys.exit(f"set-up failed: {error}")


def prepare(venv: Path, *, extras: str, python: str) -> None:
    """Create `venv` unless it is sound, and install the project into it unless that is done.

    Raises:
        SetupError: there is no suitable interpreter, or a step of the installation failed.
    """
    stamp = venv / f"installed-{extras or 'runtime'}"
    wanted = hashlib.sha256(Path("pyproject.toml").read_bytes())
    wanted.update(Path("constraints.txt").read_bytes())
    if not is_sound(venv, python):
        create(venv, python)
    elif stamp.exists() and stamp.read_text() == wanted.hexdigest():
        return
    say(f"Installing jobrunner into {venv} ...")
    install(venv, f".[{extras}]" if extras else ".")
    stamp.write_text(wanted.hexdigest())


def is_sound(venv: Path, python: str) -> bool:
    """Whether the environment still runs where it was made, on the interpreter asked for."""
    own = str(venv / "bin" / "python")
    identity = ask(own, IDENTITY)
    record = venv / "identity"
    if not identity or (record.exists() and record.read_text() != identity):
        return False
    if python and ask(python, IDENTITY).split(")")[0] != identity.split(")")[0]:
        return False
    return record.exists() or (holds(own, IS_NEW_ENOUGH) and holds(own, HAS_PIP))


def create(venv: Path, python: str) -> None:
    """Make the environment anew."""
    maker = find_maker((python,) if python else CANDIDATES)
    say(f"Creating {venv} ...")
    if venv.exists():
        shutil.rmtree(venv)
    run([*maker, str(venv)])
    (venv / "identity").write_text(ask(str(venv / "bin" / "python"), IDENTITY))


def find_maker(candidates: tuple[str, ...]) -> list[str]:
    """The command that makes an environment on the first interpreter able to.

    Raises:
        SetupError: no interpreter is new enough, or none of them can make environments.
    """
    suitable = [python for python in candidates if holds(python, IS_NEW_ENOUGH)]
    for module, needs in MAKERS.items():
        for python in suitable:
            if holds(python, needs):
                return [python, "-m", module]
    if not suitable:
        raise SetupError(
            f"no Python 3.11 or newer runs as {' or '.join(candidates)}; "
            "install one, or name it: make test PYTHON=/path/to/python3.12"
        )
    raise SetupError(
        f"{suitable[0]} cannot make virtual environments, for it has no ensurepip; "
        "add it (Debian and Ubuntu: apt-get install python3-venv) and run this again"
    )


def install(venv: Path, requirement: str) -> None:
    """Install the project, editable, with its dependencies at the versions of constraints.txt."""
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    pinned = ["--constraint", "constraints.txt", "--editable", requirement]
    run([str(venv / "bin" / "python"), "-m", "pip", "install", *quiet, *pinned])


def ask(python: str, program: str) -> str:
    """What `program` prints under an interpreter, and nothing where that does not run."""
    try:
        return subprocess.run(
            [python, "-I", "-c", program], check=True, capture_output=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def holds(python: str, program: str) -> bool:
    """Whether `program` ends well under an interpreter."""
    return ask(python, f"{program}\nprint(True)") != ""


def run(command: list[str]) -> None:
    """Run one step, its output shown.

    Raises:
        SetupError: the step failed.
    """
    if subprocess.run(command, check=False).returncode:
        raise SetupError(f"this step did not work, see above: {' '.join(command)}")


def say(text: str) -> None:
    """Tell what goes on, apart from the output of the command that follows."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
