"""A worker's life is a lock that the kernel drops with its process."""

import fcntl
import subprocess
import sys

import pytest

from jobrunner.runtime.liveness import Liveness
from tests.runtime.support import until

HOLD = """
import sys
from pathlib import Path
from jobrunner.runtime.liveness import Liveness

Liveness(Path(sys.argv[1])).hold(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""

LOOK = """
import sys
from pathlib import Path
from jobrunner.runtime.liveness import Liveness

print([Liveness(Path(sys.argv[1])).is_dead(name) for name in sys.argv[2:]])
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "jobs.db.workers"


@pytest.fixture
def liveness(folder):
    return Liveness(folder)


@pytest.fixture
def holder(folder):
    """Another process that holds the lock of a worker named `bob`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), "bob"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_worker_is_dead_when_its_process_was_killed(queue, liveness, holder):
    assert not liveness.is_dead("bob")
    holder.kill()
    until(queue, lambda: liveness.is_dead("bob"))


def test_a_probe_leaves_the_lock_where_it_is(queue, liveness, holder):
    for _ in range(5):
        assert not liveness.is_dead("bob")
    holder.kill()
    until(queue, lambda: liveness.is_dead("bob"))
    assert liveness.is_dead("bob")


def test_a_missing_file_proves_nothing(liveness):
    assert not liveness.is_dead("nobody")


def test_an_own_worker_is_never_probed(liveness, folder, monkeypatch):
    """Closing a descriptor of the file would drop the lock."""
    liveness.hold("ada")
    monkeypatch.setattr("os.open", lambda *_: pytest.fail("its file was opened"))
    assert not liveness.is_dead("ada")
    assert not Liveness(folder).is_dead("ada")
    monkeypatch.undo()
    liveness.release("ada")


def are_dead(folder, *names):
    """What another process sees."""
    command = [sys.executable, "-c", LOOK, str(folder), *names]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_own_workers_do_not_disturb_each_other(liveness, folder):
    liveness.hold("ada")
    liveness.hold("eve")
    liveness.is_dead("ada")
    assert are_dead(folder, "ada", "eve") == "[False, False]"
    liveness.release("ada")
    assert are_dead(folder, "eve") == "[False]"
    liveness.release("eve")


def test_a_sweep_of_the_same_process_leaves_a_new_lock_where_it_is(liveness, folder, monkeypatch):
    """Two workers of a process: one begins, and the other looks for the dead at that moment."""

    def lock(descriptor, how, lockf=fcntl.lockf):
        lockf(descriptor, how)
        monkeypatch.undo()
        assert Liveness(folder).dead() == set()

    monkeypatch.setattr(fcntl, "lockf", lock)
    liveness.hold("ada")
    assert are_dead(folder, "ada") == "[False]"
    liveness.release("ada")


def test_a_release_removes_the_file(liveness, folder):
    liveness.hold("ada")
    assert [path.name for path in folder.iterdir()] == ["ada"]
    liveness.release("ada")
    assert list(folder.iterdir()) == []
    liveness.release("ada")


def test_the_folder_is_its_owners_only(liveness, folder):
    liveness.hold("ada")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "ada").stat().st_mode & 0o777 == 0o600
    liveness.release("ada")


def test_a_file_that_leads_elsewhere_is_not_followed(liveness, folder, tmp_path):
    folder.mkdir()
    (tmp_path / "precious").write_text("")
    (folder / "mallory").symlink_to(tmp_path / "precious")
    assert not liveness.is_dead("mallory")


def test_a_lock_is_not_taken_on_a_file_elsewhere(liveness, folder, tmp_path):
    folder.mkdir()
    (folder / "ada").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic links"):
        liveness.hold("ada")
    assert not (tmp_path / "precious").exists()


def test_a_lock_released_as_dead_leaves_its_file_to_the_others(liveness, folder):
    liveness.hold("ada")
    liveness.release("ada", as_dead=True)
    assert liveness.is_dead("ada")
    assert Liveness(folder).held() == []


def test_a_free_file_is_removed_at_the_second_look(liveness, folder, holder):
    for name in ("dead", "listed"):
        (folder / name).touch()
    assert liveness.prune({"listed"}) == 0
    assert liveness.prune({"listed"}) == 1
    assert {path.name for path in folder.iterdir()} == {"bob", "listed"}


def test_a_file_that_somebody_looks_at_while_it_is_made_is_made_anew(liveness, folder, holder):
    liveness.hold("bob")
    assert Liveness(folder).is_dead("bob") is False
    liveness.release("bob")
    assert not (folder / "bob").exists()
