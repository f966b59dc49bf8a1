"""`jobrunner demo` as a person runs it: talk, report, verdict, exit code, and what it leaves."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from jobrunner.cli import demo as cli
from jobrunner.core.account import summarise
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.shifts import Shifts
from jobrunner.core.sums import Sums
from jobrunner.demo.show import Shown
from jobrunner.demo.sources import find_sources


def demo(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "jobrunner", "demo", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("with a space") / "demo"


@pytest.fixture(scope="module")
def ended(folder: Path) -> "subprocess.CompletedProcess[str]":
    return demo("--files", "20", "--folder", str(folder))


def test_it_ends_well_and_says_what_it_has_verified(ended):
    assert ended.returncode == 0, ended.stderr
    assert "Verified  20 gzip files and as many checksums; no task completed twice;" in ended.stdout


def test_it_reports_what_ended_how(ended):
    assert "45: 43 completed, 1 failed, 1 cancelled" in ended.stdout
    rescued = re.search(r"^Rescued +(\d+)", ended.stdout, re.MULTILINE)
    assert rescued
    assert int(rescued[1]) >= 1


def test_it_tells_of_the_kill_and_the_recovery(ended):
    assert "with SIGKILL" in ended.stderr
    assert "goes on with task 2 where it stood" in ended.stderr


def test_in_a_pipe_it_writes_no_control_characters_and_fits_80_columns(ended):
    text = ended.stdout + ended.stderr.partition("\n")[2]  # the first line names the folder
    assert "\x1b" not in text
    assert "\r" not in text
    assert max(len(line) for line in text.splitlines()[:-1]) <= 80


def test_a_named_folder_is_kept_and_its_manifest_is_what_sha256sum_reads(ended, folder):
    manifest = (folder / "modules" / "MANIFEST").read_text().splitlines()
    assert [line.split()[1] for line in manifest] == list(find_sources(20))


def test_what_is_wrong_is_named_the_folder_kept_and_the_exit_code_1(monkeypatch, tmp_path, capsys):
    place = tmp_path / "kept"
    nobody = Shifts.of([], [], now=datetime.now(UTC))
    shown = Shown(
        report=summarise(Sums(), tasks={}, shifts=nobody, extent=None)[0],
        problems=["os.py.gz is not os.py.", *["Something else."] * 20],
        files=1,
        database=place / "demo.db",
    )
    place.mkdir()
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: str(place))
    monkeypatch.setattr("jobrunner.demo.show.show", lambda *_, **__: shown)
    with pytest.raises(typer.Exit) as ended:
        cli.demo(keep=False)
    assert ended.value.exit_code == 1
    out, err = capsys.readouterr()
    assert "WRONG: os.py.gz is not os.py." in err
    assert "The examination found 21 problems." in err
    assert "Verified" not in out
    assert place.exists()


def test_a_folder_with_something_in_it_is_refused(ended, folder):
    again = demo("--folder", str(folder))
    assert again.returncode == 2
    assert "is not empty" in again.stderr


def test_a_library_with_too_few_files_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    with pytest.raises(ConfigurationError, match="has 0 modules as files"):
        find_sources(200)


def test_the_modules_are_many_and_always_the_same():
    found = find_sources(200)
    assert 150 <= len(found) <= 200
    assert list(found.items()) == list(find_sources(200).items())
    assert all("/" not in name and path.is_file() for name, path in found.items())
