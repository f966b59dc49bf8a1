"""A Chromium is found where there is one, and else one sentence says what to do."""

from pathlib import Path

import pytest

from tools import chromium


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that programs are looked for in, empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(chromium.NAMED, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def program(place: Path, text: str = "exit 0") -> str:
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)
    return str(place)


def test_the_one_that_is_named_goes_first(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(programs / "chromium")
    named = program(programs / "another")
    monkeypatch.setenv(chromium.NAMED, named)
    assert chromium.ensure() == named


def test_a_name_of_none_is_told(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(chromium.NAMED, "absent")
    with pytest.raises(chromium.ChromiumError, match="JOBRUNNER_CHROMIUM=absent is no program"):
        chromium.ensure()


def test_chrome_will_do(programs: Path) -> None:
    chrome = program(programs / "google-chrome")
    assert chromium.ensure() == chrome


def test_without_packages_the_next_step_is_told(programs: Path) -> None:
    with pytest.raises(chromium.ChromiumError, match="apt-get install chromium"):
        chromium.ensure()


def test_it_is_installed_where_that_takes_no_question(programs: Path) -> None:
    installs = f"""case "$*" in *update*) exit 1;; *"install chromium") ;; *) exit 2;; esac
/bin/echo '#!/bin/sh' > {programs}/chromium; /bin/chmod +x {programs}/chromium"""
    program(programs / "apt-get", installs)
    program(programs / "sudo", 'test "$1" = -n || exit 3; shift; exec "$@"')
    assert chromium.ensure() == str(programs / "chromium")


def test_an_installation_that_fails_is_told(programs: Path) -> None:
    program(programs / "apt-get", "exit 100")
    program(programs / "sudo", "exit 1")
    with pytest.raises(chromium.ChromiumError, match="there is no Chromium"):
        chromium.ensure()
