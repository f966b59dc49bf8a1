"""The place of a database is judged from outside: file system, permissions, room."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from jobrunner.core.finding import Level
from jobrunner.storage import kernel
from jobrunner.storage.place import (
    LITTLE_ROOM,
    Seen,
    file_system,
    judge_permissions,
    judge_room,
    permissions,
    room,
    surroundings,
)
from jobrunner.storage.reserve import LARGEST, Reserve

MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw
40 27 0:40 / /srv rw,relatime - {kind} host:/export rw
41 27 0:41 / /srv/my\\040jobs rw - ext4 /dev/vdb rw
42 27 0:42 / /media ro,relatime - ext4 /dev/vdc rw
nonsense
"""


@pytest.mark.parametrize(
    ("folder", "kind", "level"),
    [
        ("/var/lib", "nfs4", Level.OK),
        ("/srvx", "nfs4", Level.OK),
        ("/srv", "ext4", Level.OK),
        ("/srv", "nfs4", Level.PROBLEM),
        ("/srv/deep/down", "cifs", Level.PROBLEM),
        ("/srv", "9p", Level.PROBLEM),
        ("/srv", "fuse.sshfs", Level.PROBLEM),
        ("/srv", "fuse.mergerfs", Level.WARNING),
        ("/srv", "virtiofs", Level.WARNING),
        ("/srv", "tmpfs", Level.WARNING),
        ("/srv", "overlay", Level.OK),
        ("/srv/my jobs", "nfs4", Level.OK),
        ("/media", "ext4", Level.PROBLEM),
    ],
)
def test_a_database_belongs_on_a_local_disk(folder, kind, level):
    found = file_system(Path(folder), MOUNTS.format(kind=kind))
    assert (found.level, bool(found.hint)) == (level, level is not Level.OK)


def test_the_later_of_two_mounts_on_one_folder_counts():
    mounts = MOUNTS.format(kind="ext4") + "43 40 0:43 / /srv rw - nfs h:/x rw\n"
    assert file_system(Path("/srv"), mounts).level is Level.PROBLEM


@pytest.mark.parametrize("mounts", [None, "", "nonsense"])
def test_a_system_without_a_list_of_mounts_is_not_judged(tmp_path, mounts):
    found = file_system(tmp_path, mounts)
    assert (found.level, found.says.partition(":")[0]) == (Level.OK, "not looked at")


def test_this_folder_is_found_in_the_kernels_own_list(tmp_path):
    assert kernel.mount_of(tmp_path.resolve(), kernel.read("self/mountinfo")) is not None


@pytest.fixture
def path(tmp_path):
    tmp_path.chmod(0o700)
    path = tmp_path / "jobs.db"
    path.touch(0o600)
    return path


def test_files_of_one_user_alone_are_well(path):
    assert permissions(path).level is Level.OK


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", ".lock"])
def test_a_file_that_others_may_read_is_named(path, suffix):
    exposed = Path(f"{path}{suffix}")
    exposed.touch()
    exposed.chmod(0o640)
    found = permissions(path)
    assert (found.level, found.hint) == (Level.WARNING, f"Run `chmod go-rwx {exposed}`.")


def test_a_folder_that_others_may_write_to_is_named(path):
    path.parent.chmod(0o770)
    found = permissions(path)
    assert found.level is Level.WARNING
    assert f"chmod go-w {path.parent}" in found.hint


def test_a_file_that_this_user_may_not_write_to_is_a_problem(path):
    """Root may always: what the kernel says to others stands in."""
    folder = Seen(path.parent, 0o40700, 7, is_writable=True)
    file = Seen(path, 0o100400, 7, is_writable=False)
    found = judge_permissions([file], folder, 7)
    assert (found.level, str(path) in found.says) == (Level.PROBLEM, True)


def test_a_file_of_another_user_is_told(path):
    mine = os.geteuid()
    folder = Seen(path.parent, 0o40700, mine, is_writable=True)
    file = Seen(path, 0o100600, mine + 1, is_writable=True)
    assert judge_permissions([file], folder, mine).level is Level.WARNING
    assert judge_permissions([file._replace(owner=mine)], folder, mine).level is Level.OK


def test_little_room_is_told_before_there_is_none():
    assert judge_room(LITTLE_ROOM, is_kept=True).level is Level.OK
    assert judge_room(LITTLE_ROOM - 1, is_kept=True).level is Level.WARNING


def test_a_disk_on_which_new_tasks_are_refused_is_a_problem(path, monkeypatch):
    assert "the next worker makes the reserve" in room(path.parent, Reserve(path)).says
    monkeypatch.setattr(Reserve, "_measure", lambda _: (LARGEST, 2 * LARGEST - 1))
    full = room(path.parent, Reserve(path))
    assert (full.level, "is almost full" in full.says) == (Level.PROBLEM, True)


def test_a_disk_without_room_for_names_is_full(path, monkeypatch):
    found = os.statvfs(path.parent)
    values = {name: getattr(found, name) for name in dir(found) if name.startswith("f_")}
    full = SimpleNamespace(**values | {"f_files": 10, "f_favail": 0})
    monkeypatch.setattr(os, "statvfs", lambda _folder: full)
    assert room(path.parent, Reserve(path)).level is Level.PROBLEM


def test_a_missing_folder_is_a_problem(tmp_path):
    (found,) = surroundings(tmp_path / "absent" / "jobs.db", Reserve(None))
    assert (found.level, "does not exist" in found.says) == (Level.PROBLEM, True)
