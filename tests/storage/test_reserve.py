"""Room is kept back on the disk; new tasks are refused before it is needed."""

import errno
import os
from types import SimpleNamespace

import pytest

from jobrunner import NewTask, TaskQueue
from jobrunner.core.errors import DatabaseError, DiskFullError
from jobrunner.storage.reserve import LARGEST, Reserve

MIB = 1 << 20


@pytest.fixture
def disk(monkeypatch):
    """A disk of 1 GiB, with as much free space as the test says."""
    disk = SimpleNamespace(free=100 * MIB, total=1024 * MIB)

    def statvfs(path):
        return SimpleNamespace(f_frsize=1, f_blocks=disk.total, f_bavail=disk.free)

    monkeypatch.setattr(os, "statvfs", statvfs)
    return disk


@pytest.fixture
def reserve(tmp_path, disk):
    return Reserve(tmp_path / "jobs.db")


def test_room_is_taken_once(reserve, tmp_path, disk):
    assert not reserve.is_kept()
    assert reserve.keep()
    assert (tmp_path / "jobs.db.reserve").stat().st_size == LARGEST
    assert (tmp_path / "jobs.db.reserve").stat().st_blocks * 512 >= LARGEST
    disk.free = 0
    assert reserve.keep()


def test_room_is_not_taken_where_it_leaves_next_to_nothing(reserve, disk):
    disk.free = LARGEST + LARGEST // 4 - 1
    assert not reserve.keep()
    disk.free += 1
    assert reserve.keep()


def test_where_new_tasks_have_just_been_refused_room_can_still_be_taken(reserve, disk):
    disk.free = 2 * LARGEST - 64 * 1024
    with pytest.raises(DiskFullError):
        reserve.refuse_when_low()
    assert reserve.keep()


def test_a_small_disk_gives_a_sixteenth(reserve, tmp_path, disk):
    disk.total, disk.free = MIB, MIB // 2
    assert reserve.keep()
    assert (tmp_path / "jobs.db.reserve").stat().st_size == MIB // 16


def test_what_is_spent_is_free_and_can_be_taken_again(reserve):
    reserve.keep()
    reserve.spend()
    reserve.spend()
    assert not reserve.is_kept()
    assert reserve.keep()


def test_a_reserve_that_cannot_be_filled_is_none(reserve, tmp_path, monkeypatch):
    def full(descriptor, offset, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert not reserve.keep()
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_cannot_reserve_is_written_to(reserve, tmp_path, monkeypatch):
    def unable(descriptor, offset, size):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unable)
    assert reserve.keep()
    assert (tmp_path / "jobs.db.reserve").stat().st_size == LARGEST


def test_a_file_system_that_does_not_tell_its_size_is_taken_as_large(reserve, tmp_path, disk):
    disk.total = disk.free = 0
    reserve.refuse_when_low()
    assert reserve.keep()
    assert (tmp_path / "jobs.db.reserve").stat().st_size == LARGEST
    reserve.refuse_when_low()


@pytest.mark.parametrize(
    ("kept", "free", "refused"),
    [
        (True, LARGEST, False),
        (True, LARGEST - 1, True),
        (False, 2 * LARGEST, False),
        (False, 2 * LARGEST - 1, True),
    ],
)
def test_new_tasks_are_refused_before_the_reserve_is_needed(reserve, disk, kept, free, refused):
    if kept:
        reserve.keep()
    disk.free = free
    if refused:
        with pytest.raises(DiskFullError, match="almost full"):
            reserve.refuse_when_low()
    else:
        reserve.refuse_when_low()


def test_what_stands_in_the_log_needs_its_room_in_the_database_too(reserve, tmp_path, disk):
    disk.free = 2 * LARGEST + 100
    (tmp_path / "jobs.db-wal").write_bytes(bytes(100))
    reserve.refuse_when_low()
    (tmp_path / "jobs.db-wal").write_bytes(bytes(101))
    with pytest.raises(DiskFullError):
        reserve.refuse_when_low()


def test_of_a_server_nothing_is_known(disk):
    disk.free = 0
    nowhere = Reserve(None)
    nowhere.refuse_when_low()
    nowhere.spend()
    assert nowhere.keep()


def test_an_enqueue_that_is_refused_stores_nothing(tmp_path, disk):
    queue = TaskQueue(tmp_path / "jobs.db")
    queue.enqueue(NewTask(function="work"))
    disk.free = MIB
    with pytest.raises(DiskFullError):
        queue.enqueue(NewTask(function="work"))
    with queue.transaction(), pytest.raises(DiskFullError):
        queue.enqueue(NewTask(function="work"))
    disk.free = 100 * MIB
    assert queue.enqueue(NewTask(function="work")).id == 2
    queue.close()


def test_a_folder_that_is_gone_is_no_full_disk_and_no_error(tmp_path):
    reserve = Reserve(tmp_path / "gone" / "jobs.db")
    assert (reserve.keep(), reserve.is_needed()) == (False, False)
    reserve.refuse_when_low()


def test_a_reserve_that_cannot_be_made_is_not_there_and_no_error(reserve, tmp_path):
    (tmp_path / "jobs.db.reserve").symlink_to(tmp_path / "elsewhere")
    assert not reserve.keep()


def test_of_two_who_meet_a_full_disk_the_second_tries_again_too(reserve):
    reserve.keep()
    full = DiskFullError("the disk is full")
    assert (reserve.spend_on(full), reserve.spend_on(full)) == (True, True)
    assert not reserve.spend_on(DatabaseError("it is locked"))


def test_a_log_that_was_once_long_counts_only_so_much(reserve, tmp_path, disk):
    (tmp_path / "jobs.db-wal").write_bytes(bytes(5 * LARGEST))
    disk.free = 4 * LARGEST
    reserve.refuse_when_low()
