"""The guard ends the process groups of a worker that has died, and of no other."""

import os
import select
import shutil
import signal
import subprocess
import sys

import pytest

from jobrunner.runtime.guard import Guard

SLEEP = [shutil.which("sleep") or "sleep", "60"]

DIES = """
import os, signal, subprocess, sys
from jobrunner.runtime.guard import Guard

guard = Guard()
groups = [subprocess.Popen(["sleep", "60"], start_new_session=True).pid for _ in range(3)]
for group in groups:
    guard.add(group)
guard.remove(groups[0])
print(*groups, flush=True)
sys.stdin.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def group():
    """A process in a group of its own."""
    process = subprocess.Popen(SLEEP, start_new_session=True)
    yield process
    process.kill()
    process.wait()


def ended(pid):
    """Wait for the end of a process that is no child of ours."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    found, _, _ = select.select([descriptor], [], [], 20)
    os.close(descriptor)
    return bool(found)


def test_the_groups_of_a_killed_worker_end_with_it():
    process = subprocess.Popen(
        [sys.executable, "-c", DIES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    removed, *guarded = map(int, process.stdout.readline().split())
    process.stdin.write("die\n")
    process.stdin.flush()
    process.wait()
    assert all(ended(pid) for pid in guarded)
    os.killpg(removed, signal.SIGKILL)  # it was let go in time: it still runs
    assert ended(removed)
    process.communicate()


def test_a_close_ends_what_is_still_known(group):
    guard = Guard()
    guard.add(group.pid)
    guard.close()
    assert group.wait(60) == -signal.SIGKILL


def test_a_close_leaves_what_was_removed(group):
    guard = Guard()
    guard.add(group.pid)
    guard.remove(group.pid)
    guard.close()
    assert group.poll() is None


def test_a_guard_that_never_had_a_group_is_no_process():
    guard = Guard()
    guard.close()
    assert guard._process is None


def test_a_guard_that_was_killed_is_replaced_and_knows_all_groups(group):
    guard = Guard()
    guard.add(group.pid)
    guard._process.kill()
    guard._process.wait()
    other = subprocess.Popen(SLEEP, start_new_session=True)
    guard.add(other.pid)
    guard.close()
    assert [process.wait(60) for process in (group, other)] == [-signal.SIGKILL] * 2


def test_a_group_that_ends_after_the_close_starts_no_guard(group):
    guard = Guard()
    guard.add(group.pid)
    guard.close()
    guard.remove(group.pid)
    assert guard._process is None


def test_a_group_that_starts_after_the_close_is_ended_at_once(group):
    guard = Guard()
    guard.close()
    guard.add(group.pid)
    assert group.wait(60) == -signal.SIGKILL
    assert guard._process is None


def test_a_guard_can_be_there_before_its_first_group():
    guard = Guard()
    guard.prepare()
    process = guard._process
    guard.prepare()
    assert guard._process is process
    guard.close()
    guard.prepare()
    assert guard._process is None
